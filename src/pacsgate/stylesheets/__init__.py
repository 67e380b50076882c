"""Stylesheets of other systems, each run in a process that can do nothing else.

Called by `bootstrap`; answers `pacsgate.ports.stylesheets`.
"""
