"""DIMSE: what its identifiers, statuses and SOP classes mean, without associations and without I/O.

`services` says which action each SOP class needs; `statuses` how an outcome is told; the other modules
read C-FIND identifiers into `Query` and write rows as identifiers.

Called by `pacsgate.gateway.dimse` and `pacsgate.upstream.dimse`.

Standard: PS3.4 (2024e), PS3.7 annex C.
"""
