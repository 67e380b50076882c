"""The formats of other systems that a policy may be written in.

Apart from the readers, which need the dictionary of DICOM: the configuration names formats and reads none.
"""

from enum import StrEnum


class ForeignFormat(StrEnum):
    """A format that can be read; its name is the prefix of its sources."""

    ORTHANC_AUTH = "orthanc-auth"
    """`permissions.json` of orthanc-auth-service."""
    RESEARCH_PACS = "research-pacs"
    """The permissions file of Research PACS on AWS."""
    ZHIVA = "zhiva"
    """`orthanc.json` and `IncomingHttpRequestFilter.lua` of the ZHIVA local PACS."""
