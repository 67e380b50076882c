"""What Orthanc says of itself, its plugins, its jobs and its log of what was sent, as far as it may be told.

Called by the gateway.

Invariants:
- no path on Orthanc's disk, port behind the gate or ability that the gate does not offer is in an answer;
- of another subject's job nothing tells whom it is about.

Standard: Orthanc's REST API (1.10.1 to 1.13).
"""

from collections.abc import Mapping
from typing import Any

from pacsgate.protocols.orthanc.allowed_fields import only

Document = Mapping[str, Any]

_SYSTEM = (
    "ApiVersion",
    "CheckRevisions",
    "DatabaseServerIdentifier",
    "DatabaseVersion",
    "DicomAet",
    "HasLabels",
    "IngestTranscoding",
    "IsHttpServerSecure",
    "MainDicomTags",
    "MaximumPatientCount",
    "MaximumStorageMode",
    "MaximumStorageSize",
    "Name",
    "OverwriteInstances",
    "PluginsEnabled",
    "ReadOnly",
    "StorageCompression",
    "UserMetadata",
    "Version",
)
_PLUGIN = ("Description", "ExtendsOrthancExplorer", "ID", "RootUri", "Version")
_JOB = (
    "CompletionTime",
    "CreationTime",
    "EffectiveRuntime",
    "ErrorCode",
    "ErrorDescription",
    "ID",
    "Priority",
    "Progress",
    "State",
    "Timestamp",
    "Type",
)
_OWN_JOB = (*_JOB, "Content", "ErrorDetails", "UserData")
_EXPORT = (
    "Date",
    "ID",
    "Path",
    "PatientID",
    "RemoteModality",
    "ResourceType",
    "SOPInstanceUID",
    "Seq",
    "SeriesInstanceUID",
    "StudyInstanceUID",
)


def public_system(document: Document) -> dict[str, Any]:
    """Return `/system` without paths and without abilities that the gate does not offer."""
    kept = only(document, _SYSTEM)
    if "Capabilities" in document:
        kept["Capabilities"] = dict.fromkeys(document["Capabilities"], False)
    return kept


def public_plugin(document: Document) -> dict[str, Any]:
    """Return what is told of one plugin."""
    return only(document, _PLUGIN)


def public_job(document: Document, *, own: bool) -> dict[str, Any]:
    """Return one job; of another subject's it is told how it goes, not whom it is about."""
    return only(document, _OWN_JOB if own else _JOB)


def public_exports(page: Document) -> dict[str, Any]:
    """Return a page of the log of what was sent."""
    exports = [only(export, _EXPORT) for export in page["Exports"]]
    return {"Exports": exports, "Done": bool(page["Done"]), "Last": page["Last"]}
