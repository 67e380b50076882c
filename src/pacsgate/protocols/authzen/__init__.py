"""AuthZEN: the dialect in which another enforcement point asks what somebody may do.

`entities` are the words of a question; `requests` reads the five requests; `pages`
are the tokens of long answers; `answers` writes what is said back, and `metadata`
the document by which a client finds the endpoints.

Called by `pacsgate.services` (the words) and `pacsgate.gateway.http` (the wire).

Standard: OpenID AuthZEN Authorization API 1.0.
"""
