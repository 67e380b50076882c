"""Which folder of an archive each object lies in, named only by what the subject may see.

Of a study of which something is hidden, the index may have its attributes from what is hidden; then
the first visible object of each series is asked for them.

Called by `orthanc.archive`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.masking import mask_json
from pacsgate.dicom.summary import DicomJson
from pacsgate.gateway.http.exchange import Reached
from pacsgate.gateway.http.objects import Delivery
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.zip_export import NameOf
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.orthanc.archive_names import ArchiveNames, FolderTags
from pacsgate.services.resolve import Part, Reach
from pacsgate.services.united_reach import is_all_of

_KEYWORDS = (
    "PatientID",
    "PatientName",
    "AccessionNumber",
    "StudyDescription",
    "Modality",
    "SeriesDescription",
)
_TAGS = tuple(map(tag_of, _KEYWORDS))


async def folder_names(exchange: OrthancExchange, reached: Reached) -> NameOf:
    """A function that gives each object in reach its place, once."""
    tags = await exchange.at_archive(lambda: _tags(exchange, reached.reach))
    names = ArchiveNames()

    def name_of(delivery: Delivery) -> str:
        study, series = delivery.part.study, delivery.part.series
        return names.next_name(
            study.patient_id, study.study_instance_uid, series.series_instance_uid, tags[id(delivery.part)]
        )

    return name_of


def _tags(exchange: OrthancExchange, reach: Reach) -> dict[int, FolderTags]:
    """What the folders of each part are named by; parts are told apart as objects."""
    found: dict[int, FolderTags] = {}
    for study in reach.studies:
        parts = tuple(part for part in reach.parts if part.study is study)
        name = ResourceKey(study.study_instance_uid, patient_id=study.patient_id)
        whole = is_all_of(replace(reach, parts=parts), [name])
        for part in parts:
            attributes = {**study.attributes, **part.series.attributes} if whole else _first(exchange, part)
            found[id(part)] = _folder_tags(mask_json(attributes, part.mask))
    return found


def _first(exchange: OrthancExchange, part: Part) -> DicomJson:
    archive = exchange.gate.archives[exchange.archive]
    return to_json(next(iter(archive.headers(part.key_of(part.instances[0])))))


def _folder_tags(attributes: DicomJson) -> FolderTags:
    return FolderTags(*(_text(attributes.get(tag, {}).get("Value", [])) for tag in _TAGS))


def _text(values: Sequence[Any]) -> str:
    first = values[0] if values else ""
    return str(first.get("Alphabetic", "")) if isinstance(first, Mapping) else str(first or "")
