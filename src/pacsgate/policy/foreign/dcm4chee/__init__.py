"""Reads what dcm4chee 2 and 5 keep about who may do what: tables, configuration files, LDIF.

Called by `pacsgate import dcm4chee`.

Standard: none; dcm4chee 2.18.3, dcm4chee-arc-light 5.34.
"""
