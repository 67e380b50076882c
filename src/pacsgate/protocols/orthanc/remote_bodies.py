"""Bodies that ask other archives: C-ECHO, C-FIND, C-MOVE and C-GET of modalities, and DICOMweb servers.

What is asked for is brought into the guarded archive and nowhere else; whom Orthanc speaks to, and as
whom, is its configuration.

Called by the gateway for subjects with the permission to ask other archives.

Invariants:
- what goes upstream has no field that was not read here;
- the path that a DICOMweb server is asked for is one below its root.

Standard: Orthanc's OpenAPI document; the DICOMweb plugin.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.find_body import read_body_form, read_level
from pacsgate.protocols.orthanc.job_options import JOB_FIELDS, JobOptions, read_job_options
from pacsgate.protocols.orthanc.json_body import Fields, read_json
from pacsgate.protocols.orthanc.tag_forms import TagsForm
from pacsgate.protocols.orthanc.tag_names import read_name
from pacsgate.protocols.paths import canonical_path

_AE_TITLE = re.compile(r"(?=.*[^ ])[ -\[\]-~]{1,16}")
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")
_ELSEWHERE = "the recipient is the one in the path, as it is configured"
_IN_NAME = "the archive speaks in its own name"
_HEADERS = "headers for another server are part of its configuration"
_LONGEST = 86_400
_MAX_RESOURCES = 1000

_REFUSED = {
    "LocalAet": _IN_NAME,
    "HttpHeaders": _HEADERS,
    "CalledAet": _ELSEWHERE,
    "Host": _ELSEWHERE,
    "Port": _ELSEWHERE,
}
_FORM_FIELDS = ("Simplify", "Short", "Full")
_JOB_FORM_FIELDS = (*JOB_FIELDS, *_FORM_FIELDS)


def _fields(raw: bytes, *known: str) -> Fields:
    decoded = read_json(raw)
    return Fields({} if decoded is None else decoded, known, _REFUSED)


def _timeout(fields: Fields) -> dict[str, Any]:
    seconds = fields.whole("Timeout", least=0, most=_LONGEST)
    return {} if seconds is None else {"Timeout": seconds}


def _conditions(values: Mapping[str, Any]) -> dict[str, str]:
    """Return what a C-FIND asks for: a text by attribute."""
    if not all(isinstance(value, str) for value in values.values()):
        raise RequestError("an attribute in a query must be matched with a text")
    return {read_name(name): value for name, value in values.items()}


def read_echo(raw: bytes) -> dict[str, Any]:
    """Read the body of `/modalities/{name}/echo`, as it goes upstream."""
    fields = _fields(raw, "Timeout", "CheckFind")
    check = {"CheckFind": fields.flag("CheckFind")} if "CheckFind" in fields else {}
    return {**_timeout(fields), **check}


def read_dicom_echo(raw: bytes) -> dict[str, Any]:
    """Read the body of `/tools/dicom-echo`, as it goes upstream: a modality that is not configured."""
    fields = Fields(
        read_json(raw), ("AET", "Host", "Port", "Manufacturer", "Timeout", "CheckFind", "UseDicomTls")
    )
    title, host = fields.text("AET"), fields.text("Host")
    port = fields.whole("Port", least=1, most=65535)
    if title is None or not _AE_TITLE.fullmatch(title):
        raise RequestError("field `AET` must be an AE title of 1 to 16 printable characters")
    if host is None or not _HOST.fullmatch(host) or port is None:
        raise RequestError("fields `Host` and `Port` must say where the modality listens")
    flags = {name: fields.flag(name) for name in ("CheckFind", "UseDicomTls") if name in fields}
    manufacturer = fields.text("Manufacturer")
    made_by = {} if manufacturer is None else {"Manufacturer": manufacturer}
    return {"AET": title, "Host": host, "Port": port, **_timeout(fields), **flags, **made_by}


@dataclass(frozen=True, slots=True)
class RemoteQuery:
    """A C-FIND: at which level, and what must hold."""

    level: Level
    conditions: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)

    def upstream(self) -> dict[str, Any]:
        """The body for Orthanc."""
        return {
            "Level": self.level.value.capitalize(),
            "Query": dict(self.conditions),
            **self.options,
        }


def read_query(raw: bytes) -> RemoteQuery:
    """Read the body of `/modalities/{name}/query`."""
    fields = _fields(raw, "Level", "Query", "Normalize", "Timeout")
    normalize = {"Normalize": fields.flag("Normalize")} if "Normalize" in fields else {}
    return RemoteQuery(
        read_level(fields.text("Level")),
        _conditions(fields.mapping("Query")),
        {**normalize, **_timeout(fields)},
    )


def read_further_query(raw: bytes) -> dict[str, Any]:
    """Read the body of `/queries/{id}/answers/{index}/query-…`, as it goes upstream."""
    fields = _fields(raw, "Query", "Timeout")
    return {"Query": _conditions(fields.mapping("Query")), **_timeout(fields)}


def read_find(raw: bytes) -> dict[str, Any] | list[Any]:
    """Read the body of `/modalities/{name}/find-…`, as it goes upstream: conditions, or one set a level."""
    decoded = read_json(raw)
    if isinstance(decoded, list) and all(isinstance(each, dict) for each in decoded):
        return [_conditions(each) for each in decoded]
    if not isinstance(decoded, dict):
        raise RequestError("body must be an object of attributes and what they must match")
    return dict(_conditions(decoded))


def read_find_worklist(raw: bytes) -> dict[str, Any]:
    """Read the body of `/modalities/{name}/find-worklist`, as it goes upstream."""
    decoded = read_json(raw)
    if isinstance(decoded, dict) and "Query" not in decoded:
        return {"Query": _worklist(decoded)}
    fields = Fields(decoded, ("Query", *_FORM_FIELDS))
    form = read_body_form(fields, TagsForm.FULL)
    return {"Query": _worklist(fields.mapping("Query")), form.value.capitalize(): True}


def _worklist(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the conditions of a worklist query, which also stand inside sequences."""
    read: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            read[read_name(name)] = [_worklist(item) for item in value]
        elif isinstance(value, str):
            read[read_name(name)] = value
        else:
            raise RequestError("an attribute in a query must be matched with a text or a list of items")
    return read


@dataclass(frozen=True, slots=True)
class Fetch:
    """What is to be brought here from a modality: by C-MOVE or C-GET.

    `target` is the AE title that a C-MOVE sends to, if the body names one.
    """

    level: Level
    resources: tuple[Mapping[str, str], ...]
    target: str | None
    job: JobOptions
    options: Mapping[str, Any]

    def upstream(self, target: str | None) -> dict[str, Any]:
        """The body for Orthanc, with this target."""
        body = {
            "Level": self.level.value.capitalize(),
            "Resources": [dict(resource) for resource in self.resources],
            **self.job.upstream(),
            **self.options,
        }
        return body if target is None else {**body, "TargetAet": target}


def read_fetch(raw: bytes) -> Fetch:
    """Read the body of `/modalities/{name}/move` or `get`."""
    fields = _fields(raw, *JOB_FIELDS, "Level", "Resources", "TargetAet", "Timeout")
    named = fields.anything("Resources")
    if not isinstance(named, list) or not named or not all(isinstance(each, dict) for each in named):
        raise RequestError("field `Resources` must be a list of objects that name what is wanted by UID")
    if len(named) > _MAX_RESOURCES:
        raise RequestError(f"field `Resources` has more than {_MAX_RESOURCES} members", status=413)
    return Fetch(
        read_level(fields.text("Level")),
        tuple(_conditions(each) for each in named),
        _target(fields.text("TargetAet")),
        read_job_options(fields),
        _timeout(fields),
    )


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What is to be brought here of the answers to a query."""

    target: str | None
    job: JobOptions
    options: Mapping[str, Any]

    def upstream(self, target: str | None) -> dict[str, Any]:
        """The body for Orthanc, with this target."""
        body = {**self.job.upstream(), **self.options}
        return body if target is None else {**body, "TargetAet": target}


def read_retrieval(raw: bytes) -> Retrieval:
    """Read the body of `/queries/{id}/retrieve`: an AE title as plain text, or an object, or nothing."""
    if raw.strip() and not raw.lstrip().startswith(b"{"):
        return Retrieval(_target(raw.decode("ascii", errors="replace").strip()), JobOptions(), {})
    fields = _fields(raw, *_JOB_FORM_FIELDS, "TargetAet", "Timeout")
    read_body_form(fields, TagsForm.HUMAN)  # of the answer, which the gate does not hand on
    return Retrieval(_target(fields.text("TargetAet")), read_job_options(fields), _timeout(fields))


def _target(text: str | None) -> str | None:
    if text is None or not text:
        return None
    if not _AE_TITLE.fullmatch(text):
        raise RequestError("field `TargetAet` must be an AE title of 1 to 16 printable characters")
    return text


def read_server_request(raw: bytes) -> dict[str, Any]:
    """Read the body of `/dicom-web/servers/{name}/qido` or `get`, as it goes upstream."""
    fields = _fields(raw, "Uri", "Arguments")
    uri = (fields.text("Uri") or "").removeprefix("/")
    segments = canonical_path(f"/{uri}".encode(), slash_may_end=True)
    arguments = fields.mapping("Arguments")
    if not all(isinstance(value, str) for value in arguments.values()):
        raise RequestError("field `Arguments` must be an object of texts")
    return {"Uri": "/" + "/".join(segments), "Arguments": dict(arguments)}


def read_server_retrieval(raw: bytes) -> dict[str, Any]:
    """Read the body of `/dicom-web/servers/{name}/retrieve`, as it goes upstream: UIDs of what is wanted."""
    fields = _fields(raw, "Resources", "Synchronous", "Asynchronous", "Priority")
    named = fields.anything("Resources")
    if not isinstance(named, list) or not named or len(named) > _MAX_RESOURCES:
        raise RequestError(f"field `Resources` must be a list of 1 to {_MAX_RESOURCES} objects with UIDs")
    job = read_job_options(fields).upstream()
    del job["Permissive"]
    return {"Resources": [_named(each) for each in named], **job}


def _named(value: object) -> dict[str, str]:
    fields = Fields(value, ("Study", "Series", "Instance"))
    uids = {name: text for name in ("Study", "Series", "Instance") if (text := fields.text(name)) is not None}
    without_parent = "Study" not in uids or ("Instance" in uids and "Series" not in uids)
    if without_parent or not all(map(is_valid_uid, uids.values())):
        raise RequestError("what is wanted is named by the UIDs `Study`, then `Series`, then `Instance`")
    return uids
