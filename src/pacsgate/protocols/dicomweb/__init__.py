"""DICOMweb: the dialect of PS3.18.

`paths` reads a path once; `routes` says which operation it is and which
actions it needs; `query_string` and its readers (`search_request`,
`rendering_parameters`, `wado_uri`) read the rest of the URL; `accept` chooses
a representation; `multipart`, `store_request`, `store_response`,
`search_response`, `bulk_uris` and `capabilities` are the bodies.

Called by `pacsgate.gateway.http`; `multipart` also by `pacsgate.upstream`.

Standard: PS3.18 (2024e).
"""
