"""The stylesheets by which dcm4chee says who may do what with studies.

Called by the configuration, which names their files, and by whoever runs them.

Standard: none; the names are dcm4chee 2's.
"""

from enum import StrEnum


class StylesheetName(StrEnum):
    """One of the three stylesheets of dcm4chee's study permissions."""

    SERIES = "series-permission.xsl"
    """For the first object of a study and for each complete series."""
    PROCEDURE_STEP = "mpps-permission.xsl"
    MESSAGE = "hl7-permission.xsl"
