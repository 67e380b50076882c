"""Wire dialects without I/O: what a peer said becomes a value, and a value becomes what is said back.

A dialect never decides and never fetches.  It reads a request into an
operation, or refuses it with a `RequestError`, and it writes answers from rows
and data sets that somebody else has already filtered.
"""
