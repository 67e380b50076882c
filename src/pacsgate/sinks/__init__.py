"""Where events are written down, and read again.

`segments` implements the `Trail` port; `access_windows` folds the reads of one
viewer into two events; `manifests` signs what was written; `trail_reader` and
`trail_verification` are for those who ask later.
"""
