"""Orthanc's REST API without I/O: routes, identifiers, bodies and answers.

It turns paths and bodies into operations and filters documents; it never decides
and never sends.
"""
