"""The DICOM instance query language of Research PACS on AWS: which instances, by their data sets.

A permissions file restricts a profile by such a query, and anybody may search
with one.  Queries are trees from the moment they are read; two of them are joined
as trees and never as text.

Called by `pacsgate.policy.foreign` and by `pacsgate.services`.
"""
