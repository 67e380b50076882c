"""What is asked of an archive to be built: a zip, or media with a DICOMDIR.

Called by the gateway for `archive`, `media`, `create-archive` and `create-media`, in both methods.

Invariants: a file name has no character that could end the header that it is put into, or lead elsewhere.

Standard: Orthanc's OpenAPI document and the sources of 1.13.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import RequestError
from pacsgate.protocols.orthanc.arguments import read_arguments, read_flag
from pacsgate.protocols.orthanc.job_options import JOB_FIELDS, JobOptions, read_job_options
from pacsgate.protocols.orthanc.json_body import Fields, read_json
from pacsgate.protocols.orthanc.resource_lists import listed, read_resources_and
from pacsgate.protocols.orthanc.send_body import read_transfer_syntax
from pacsgate.protocols.query_string import Parameters

_FIELDS = (*JOB_FIELDS, "Extended", "Filename", "LossyQuality", "Transcode", "Utf8")
_ARGUMENTS = ("extended", "filename", "lossy-quality", "transcode")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9 ._()+-]")
_LONGEST_NAME = 120
_QUALITY = re.compile(r"[1-9][0-9]?|100")


@dataclass(frozen=True, slots=True)
class ArchiveRequest:
    """One archive to be built.

    `resources` are empty where the path names the one.  `extended` puts more into the DICOMDIR.
    """

    resources: tuple[str, ...] = ()
    job: JobOptions = field(default_factory=JobOptions)
    transcode: str | None = None
    lossy_quality: int | None = None
    extended: bool = False
    file_name: str | None = None

    def upstream(self, resources: tuple[str, ...], *, media: bool) -> dict[str, Any]:
        """The body for Orthanc's batch routes, naming these resources instead."""
        body: dict[str, Any] = {"Resources": list(resources), **self.job.upstream()}
        if self.transcode is not None:
            body["Transcode"] = self.transcode
        if self.lossy_quality is not None:
            body["LossyQuality"] = self.lossy_quality
        if media:
            body["Extended"] = self.extended
        return body


def read_archive_body(raw: bytes, *, extended: bool = False) -> ArchiveRequest:
    """Read the body of a POST below one resource; an empty one has no wishes."""
    decoded = read_json(raw)
    return _request((), Fields({} if decoded is None else decoded, _FIELDS), extended=extended)


def read_batch_body(raw: bytes, *, extended: bool = False) -> ArchiveRequest:
    """Read the body of `/tools/create-…`.  `extended` is what is meant if it does not say."""
    resources, fields = read_resources_and(raw, _FIELDS)
    return _request(resources, fields, extended=extended)


def read_archive_arguments(parameters: Parameters, *, extended: bool = False) -> ArchiveRequest:
    """Read what follows `?` in a GET below one resource."""
    return _of_arguments((), read_arguments(parameters, _ARGUMENTS), extended=extended)


def read_batch_arguments(parameters: Parameters, *, extended: bool = False) -> ArchiveRequest:
    """Read what follows `?` in a GET of `/tools/create-…`."""
    arguments = read_arguments(parameters, (*_ARGUMENTS, "resources"))
    names = tuple(name for name in arguments.get("resources", "").split(",") if name)
    return _of_arguments(listed(names), arguments, extended=extended)


def _request(resources: tuple[str, ...], fields: Fields, *, extended: bool) -> ArchiveRequest:
    fields.flag("Utf8")  # the gate's names are always in UTF-8
    return ArchiveRequest(
        resources,
        read_job_options(fields),
        read_transfer_syntax(fields),
        fields.whole("LossyQuality", least=1, most=100),
        fields.flag("Extended", default=extended),
        _file_name(fields.text("Filename")),
    )


def _of_arguments(
    resources: tuple[str, ...], arguments: Mapping[str, str], *, extended: bool
) -> ArchiveRequest:
    transcode, quality = arguments.get("transcode"), arguments.get("lossy-quality")
    if transcode is not None and not is_valid_uid(transcode):
        raise RequestError("parameter `transcode` must be the UID of a transfer syntax")
    if quality is not None and not _QUALITY.fullmatch(quality):
        raise RequestError("parameter `lossy-quality` must be a whole number from 1 to 100")
    return ArchiveRequest(
        resources,
        JobOptions(),
        transcode,
        None if quality is None else int(quality),
        read_flag(arguments, "extended", default=extended),
        _file_name(arguments.get("filename")),
    )


def _file_name(text: str | None) -> str | None:
    """Read the name under which a client will save: a proposal, of which the plain part is kept."""
    return _NOT_IN_A_NAME.sub("_", text or "").lstrip("._ ")[:_LONGEST_NAME] or None
