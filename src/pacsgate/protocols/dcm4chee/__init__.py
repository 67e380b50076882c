"""dcm4chee 2's study permissions, as its tables, its stylesheets and its XML write them; no I/O.

Called by the importer, the export and by what runs its stylesheets.

Standard: none; dcm4chee 2.18.3.
"""
