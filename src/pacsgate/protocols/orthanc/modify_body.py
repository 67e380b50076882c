"""Bodies that make new objects from stored ones: modify, anonymize, merge and split.

Called by the gateway; what is new is then decided like a store.

Invariants:
- what goes upstream has no field that was not read here;
- the source is kept unless the body says otherwise, as in Orthanc, except where stated.

Standard: Orthanc's OpenAPI document; the Orthanc Book, "Anonymization and modification".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.find_body import read_level
from pacsgate.protocols.orthanc.job_options import JOB_FIELDS, JobOptions, read_job_options
from pacsgate.protocols.orthanc.json_body import Fields, read_json
from pacsgate.protocols.orthanc.resource_lists import RESOURCES, listed
from pacsgate.protocols.orthanc.send_body import read_transfer_syntax
from pacsgate.protocols.orthanc.tag_places import Value, read_places, read_values

_CREATOR = re.compile(r"[ -\[\]-~]{0,64}")
_VERSION = re.compile(r"20[0-9]{2}[a-e]")

_CHANGES = (
    *JOB_FIELDS,
    "Force",
    "Keep",
    "KeepLabels",
    "KeepSource",
    "LossyQuality",
    "PrivateCreator",
    "Remove",
    "Replace",
    "Transcode",
)
_MODIFY = (*_CHANGES, "Level", "RemovePrivateTags")
_ANONYMIZE = (*_CHANGES, "DicomVersion", "KeepPrivateTags")


@dataclass(frozen=True, slots=True)
class Modification:
    """What becomes of each object.  `resources` are empty where the path names the one.

    `level` is the one at which Orthanc is to work, where the body says so.  `options` are further fields for
    Orthanc, which change nothing about who the object is of.
    """

    anonymizes: bool
    resources: tuple[str, ...]
    replace: Mapping[str, Value]
    remove: tuple[str, ...]
    keep: tuple[str, ...]
    level: Level | None
    force: bool
    keep_source: bool
    keep_labels: bool
    """Of the archive; the gate carries the labels over in any case."""
    job: JobOptions
    options: Mapping[str, Any]

    def upstream(self, resources: tuple[str, ...] = ()) -> dict[str, Any]:
        """The body for Orthanc; `resources` are for its bulk routes."""
        body: dict[str, Any] = {
            "Replace": dict(self.replace),
            "Remove": list(self.remove),
            "Keep": list(self.keep),
            "Force": self.force,
            "KeepSource": self.keep_source,
            **self.job.upstream(),
            **self.options,
        }
        if self.keep_labels:
            body["KeepLabels"] = True
        if self.level is not None:
            body["Level"] = self.level.value.capitalize()
        if resources:
            body[RESOURCES] = list(resources)
        return body


def read_modification(raw: bytes, *, anonymizes: bool, bulk: bool) -> Modification:
    """Read the body of `modify` or `anonymize`, of one resource or in bulk."""
    known = _ANONYMIZE if anonymizes else _MODIFY
    fields = Fields(read_json(raw), (*known, RESOURCES) if bulk else known)
    resources = listed(fields.texts(RESOURCES)) if bulk else ()
    return Modification(
        anonymizes=anonymizes,
        resources=resources,
        replace=read_values(fields.mapping("Replace"), "Replace"),
        remove=read_places(fields.texts("Remove")),
        keep=read_places(fields.texts("Keep")),
        level=read_level(fields.text("Level")) if "Level" in fields else None,
        force=fields.flag("Force"),
        keep_source=fields.flag("KeepSource", default=True),
        keep_labels=fields.flag("KeepLabels"),
        job=read_job_options(fields),
        options=_options(fields),
    )


def _options(fields: Fields) -> Mapping[str, Any]:
    options: dict[str, Any] = {
        name: fields.flag(name) for name in ("KeepPrivateTags", "RemovePrivateTags") if name in fields
    }
    quality = fields.whole("LossyQuality", least=1, most=100)
    given = {
        "PrivateCreator": _matching(fields, "PrivateCreator", _CREATOR),
        "DicomVersion": _matching(fields, "DicomVersion", _VERSION),
        "Transcode": read_transfer_syntax(fields),
        "LossyQuality": quality,
    }
    return options | {name: value for name, value in given.items() if value is not None}


def _matching(fields: Fields, name: str, form: re.Pattern[str]) -> str | None:
    text = fields.text(name)
    if text is not None and not form.fullmatch(text):
        raise RequestError(f"field `{name}` is malformed")
    return text


@dataclass(frozen=True, slots=True)
class Merge:
    """Series, or instances, that become part of the study in the path."""

    resources: tuple[str, ...]
    keep_source: bool
    job: JobOptions

    def upstream(self, resources: tuple[str, ...]) -> dict[str, Any]:
        """The body for Orthanc, naming these resources instead."""
        return {RESOURCES: list(resources), "KeepSource": self.keep_source, **self.job.upstream()}


def read_merge(raw: bytes) -> Merge:
    """Read the body of `/studies/{id}/merge`.  The source is removed unless the body says otherwise."""
    fields = Fields(read_json(raw), (*JOB_FIELDS, RESOURCES, "KeepSource"))
    return Merge(listed(fields.texts(RESOURCES)), fields.flag("KeepSource"), read_job_options(fields))


@dataclass(frozen=True, slots=True)
class Split:
    """Series and instances of the study in the path that become a study of their own."""

    series: tuple[str, ...]
    instances: tuple[str, ...]
    replace: Mapping[str, Value]
    remove: tuple[str, ...]
    keep_source: bool
    keep_labels: bool
    job: JobOptions

    def upstream(self, series: tuple[str, ...], instances: tuple[str, ...]) -> dict[str, Any]:
        """The body for Orthanc, naming these series and instances instead."""
        body: dict[str, Any] = {
            "Series": list(series),
            "Instances": list(instances),
            "Replace": dict(self.replace),
            "Remove": list(self.remove),
            "KeepSource": self.keep_source,
            **self.job.upstream(),
        }
        if self.keep_labels:
            body["KeepLabels"] = True
        return body


def read_split(raw: bytes) -> Split:
    """Read the body of `/studies/{id}/split`.  The source is removed unless the body says otherwise."""
    known = ("Series", "Instances", "Replace", "Remove", "KeepSource", "KeepLabels")
    fields = Fields(read_json(raw), (*JOB_FIELDS, *known))
    series, instances = (tuple(dict.fromkeys(fields.texts(name))) for name in ("Series", "Instances"))
    if not series and not instances:
        raise RequestError("field `Series` or `Instances` must name what is split off")
    return Split(
        series,
        instances,
        read_values(fields.mapping("Replace"), "Replace"),
        read_places(fields.texts("Remove")),
        fields.flag("KeepSource"),
        fields.flag("KeepLabels"),
        read_job_options(fields),
    )
