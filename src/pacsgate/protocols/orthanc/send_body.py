"""Bodies that send resources elsewhere: to a modality, a peer, a DICOMweb server, or to be committed.

The recipient is who stands in the path and nobody else: fields that would change where the objects
go, or in whose name, are refused.

Called by the gateway, which decides on every resource and has the body made anew with what is visible.

Invariants: what goes upstream has no field that was not read here.

Standard: Orthanc's OpenAPI document; the DICOMweb plugin (`/servers/{name}/stow`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.job_options import JOB_FIELDS, JobOptions, read_job_options
from pacsgate.protocols.orthanc.json_body import Fields
from pacsgate.protocols.orthanc.resource_lists import RESOURCES, read_resources_and


class Recipient(StrEnum):
    """What kind of partner stands in the path."""

    MODALITY = "modality"
    PEER = "peer"
    SERVER = "server"
    COMMITMENT = "commitment"
    """A modality that is asked to commit itself to keeping the objects."""


_ELSEWHERE = "the recipient is the one in the path, as it is configured"
_IN_NAME = "the archive speaks in its own name"
_HEADERS = "headers for another server are part of its configuration"
_LONGEST = 86_400

_KNOWN: Mapping[Recipient, tuple[str, ...]] = {
    Recipient.MODALITY: (*JOB_FIELDS, "StorageCommitment", "Timeout"),
    Recipient.PEER: (*JOB_FIELDS, "Compress", "Transcode"),
    Recipient.SERVER: ("Synchronous", "Asynchronous", "Priority"),
    Recipient.COMMITMENT: ("Timeout",),
}
_REFUSED: Mapping[Recipient, Mapping[str, str]] = {
    Recipient.MODALITY: {
        **dict.fromkeys(("CalledAet", "Host", "Port"), _ELSEWHERE),
        **dict.fromkeys(("LocalAet", "MoveOriginatorAet", "MoveOriginatorID"), _IN_NAME),
    },
    Recipient.PEER: {},
    Recipient.SERVER: {"HttpHeaders": _HEADERS},
    Recipient.COMMITMENT: {
        "DicomInstances": "name what is stored here, by its Orthanc identifier, in `Resources`"
    },
}


@dataclass(frozen=True, slots=True)
class Send:
    """One request to send.  `options` are fields for Orthanc beyond those of a job."""

    recipient: Recipient
    resources: tuple[str, ...]
    job: JobOptions
    options: Mapping[str, Any]

    def upstream(self, resources: tuple[str, ...]) -> dict[str, Any]:
        """The body for Orthanc, naming these resources instead."""
        job = {} if self.recipient is Recipient.COMMITMENT else self.job.upstream()
        if self.recipient is Recipient.SERVER:
            del job["Permissive"]
        return {RESOURCES: list(resources), **job, **self.options}


def read_send(raw: bytes, recipient: Recipient) -> Send:
    """Read the body of a request to send."""
    resources, fields = read_resources_and(raw, _KNOWN[recipient], _REFUSED[recipient])
    return Send(recipient, resources, read_job_options(fields), _options(fields))


def _options(fields: Fields) -> Mapping[str, Any]:
    options: dict[str, Any] = {
        name: fields.flag(name) for name in ("Compress", "StorageCommitment") if name in fields
    }
    timeout = fields.whole("Timeout", least=0, most=_LONGEST)
    if timeout is not None:
        options["Timeout"] = timeout
    transcode = read_transfer_syntax(fields)
    if transcode is not None:
        options["Transcode"] = transcode
    return options


def read_transfer_syntax(fields: Fields) -> str | None:
    """Read `Transcode`: the UID of a transfer syntax."""
    text = fields.text("Transcode")
    if text is not None and not is_valid_uid(text):
        raise RequestError("field `Transcode` must be the UID of a transfer syntax")
    return text
