"""What is told of other servers that Orthanc knows: where they are, and nothing that opens them.

Called by the gateway.

Invariants: a password, key, header or user name of another server is in no answer.

Standard: Orthanc's REST API (1.10.1 to 1.13).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pacsgate.protocols.orthanc.allowed_fields import only

Document = Mapping[str, Any]

_MODALITY = (
    "AET",
    "AllowEcho",
    "AllowEventReport",
    "AllowFind",
    "AllowFindWorklist",
    "AllowGet",
    "AllowMove",
    "AllowNAction",
    "AllowStorageCommitment",
    "AllowStore",
    "AllowTranscoding",
    "Host",
    "LocalAet",
    "Manufacturer",
    "Port",
    "Timeout",
    "UseDicomTls",
)
_SERVER = ("Timeout", "Url")


def public_modality(document: Document) -> dict[str, Any]:
    """Return the configuration of a DICOM modality."""
    return only(document, _MODALITY)


def public_server(document: Document) -> dict[str, Any]:
    """Return the configuration of a peer or DICOMweb server: where it is, and nothing that opens it."""
    kept = only(document, _SERVER)
    if "Url" in kept:
        kept["Url"] = without_credentials(str(kept["Url"]))
    return kept


def without_credentials(url: str) -> str:
    """Return a URL without the user name and password that may stand before its host, and without query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
