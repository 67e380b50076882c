"""The document of a patient, study, series or instance, reduced to what its reader may see.

Orthanc's own document is used where the subject sees all of the resource: a field is passed on only
if it is in the table, a child only if it is visible.  Where something is hidden, a document is
`composed` from the tags of the visible part instead, because Orthanc's own tags, dates and
states may be those of the hidden one.

Called by the gateway for documents, lists, relatives and finds; it asks Orthanc with `?full`.

Invariants:
- a field that is not in the table never passes, nor does the identifier of a resource that is not visible;
- a masked attribute is in no part of the document.

Standard: Orthanc's REST API (1.10.1; `Labels` and `RequestedTags` are later); the default main DICOM tags.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pacsgate.dicom.attributes import tag_of
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.tag_forms import Tags, TagsForm, in_form, masked
from pacsgate.protocols.orthanc.tag_names import written

Document = Mapping[str, Any]

CHILDREN: Mapping[Level, str] = {
    Level.PATIENT: "Studies",
    Level.STUDY: "Series",
    Level.SERIES: "Instances",
}
"""The field that lists what is one level below."""
PARENT: Mapping[Level, str] = {
    Level.STUDY: "ParentPatient",
    Level.SERIES: "ParentStudy",
    Level.INSTANCE: "ParentSeries",
}
"""The field that names what is one level above."""

_TAGS = ("MainDicomTags", "PatientMainDicomTags", "RequestedTags")
_OTHERS = ("AnonymizedFrom", "ModifiedFrom")
"""Fields that name another resource, which may be hidden."""
_EVERY = ("ID", "Type", "Labels")
_GROWING = ("IsStable", "LastUpdate")
_FIELDS: Mapping[Level, tuple[str, ...]] = {
    Level.PATIENT: (*_EVERY, *_GROWING, "IsProtected"),
    Level.STUDY: (*_EVERY, *_GROWING, "ParentPatient"),
    Level.SERIES: (*_EVERY, *_GROWING, "ParentStudy", "Status", "ExpectedNumberOfInstances"),
    Level.INSTANCE: (*_EVERY, "ParentSeries", "FileSize", "FileUuid", "IndexInSeries"),
}
"""What is passed on as it is; tags, children and other resources have their own rules."""

MAIN_TAGS: Mapping[Level, tuple[str, ...]] = {
    Level.PATIENT: (
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "OtherPatientIDs",
        "PatientID",
    ),
    Level.STUDY: (
        "StudyDate",
        "StudyTime",
        "StudyID",
        "StudyDescription",
        "AccessionNumber",
        "StudyInstanceUID",
        "RequestedProcedureDescription",
        "InstitutionName",
        "RequestingPhysician",
        "ReferringPhysicianName",
    ),
    Level.SERIES: (
        "SeriesDate",
        "SeriesTime",
        "Modality",
        "Manufacturer",
        "StationName",
        "SeriesDescription",
        "BodyPartExamined",
        "SequenceName",
        "ProtocolName",
        "SeriesNumber",
        "CardiacNumberOfImages",
        "ImagesInAcquisition",
        "NumberOfTemporalPositions",
        "NumberOfSlices",
        "NumberOfTimeSlices",
        "SeriesInstanceUID",
        "ImageOrientationPatient",
        "SeriesType",
        "OperatorsName",
        "PerformedProcedureStepDescription",
        "AcquisitionDeviceProcessingDescription",
        "ContrastBolusAgent",
    ),
    Level.INSTANCE: (
        "InstanceCreationDate",
        "InstanceCreationTime",
        "AcquisitionNumber",
        "ImageIndex",
        "InstanceNumber",
        "NumberOfFrames",
        "TemporalPositionIdentifier",
        "SOPInstanceUID",
        "ImagePositionPatient",
        "ImageComments",
        "ImageOrientationPatient",
    ),
}
"""What Orthanc keeps of each level unless it is told otherwise."""


def other_ids(document: Document) -> frozenset[str]:
    """The identifiers of further resources that a document names, of which the reader may see some."""
    return frozenset(str(document[name]) for name in _OTHERS if name in document)


def reduced(
    document: Document,
    level: Level,
    *,
    visible: Container[str],
    mask: Mask = NO_MASK,
    form: TagsForm = TagsForm.HUMAN,
) -> dict[str, Any]:
    """Orthanc's document (asked for in the full form) as the reader may see it.

    `visible` holds the visible ones of its children and of `other_ids`.
    """
    kept = {name: document[name] for name in _FIELDS[level] if name in document}
    children = CHILDREN.get(level)
    if children is not None and children in document:
        kept[children] = [child for child in document[children] if child in visible]
    kept.update({name: document[name] for name in _OTHERS if document.get(name) in visible})
    for name in _TAGS:
        if isinstance(document.get(name), Mapping):
            kept[name] = in_form(masked(document[name], mask), form)
    return kept


@dataclass(frozen=True, slots=True)
class VisiblePart:
    """What a composed document is made of: identifiers, and the tags of the first visible instance.

    `tags` are in the full form.  `labels` is `None` for an Orthanc that has none.
    """

    level: Level
    orthanc_id: str
    parent: str | None
    tags: Tags
    children: tuple[str, ...]
    last_update: str
    is_stable: bool
    labels: tuple[str, ...] | None = None


def composed(part: VisiblePart, *, mask: Mask = NO_MASK, form: TagsForm = TagsForm.HUMAN) -> dict[str, Any]:
    """The document of a patient, study or series of which something is hidden, without Orthanc's own."""
    level = part.level
    document: dict[str, Any] = {
        "ID": part.orthanc_id,
        "Type": level.value.capitalize(),
        "IsStable": part.is_stable,
        "LastUpdate": part.last_update,
        "MainDicomTags": picked(part.tags, MAIN_TAGS[level], mask=mask, form=form),
        CHILDREN[level]: list(part.children),
    }
    if part.parent is not None:
        document[PARENT[level]] = part.parent
    if part.labels is not None:
        document["Labels"] = list(part.labels)
    if level is Level.STUDY:
        patient = picked(part.tags, MAIN_TAGS[Level.PATIENT], mask=mask, form=form)
        document["PatientMainDicomTags"] = patient
    if level is Level.SERIES:
        document["Status"] = "Unknown"
        document["ExpectedNumberOfInstances"] = None
    return document


def picked(
    tags: Tags, keywords: Iterable[str], *, mask: Mask = NO_MASK, form: TagsForm = TagsForm.HUMAN
) -> Tags:
    """Some of an instance's tags, which are in the full form, in another."""
    wanted = {written(tag_of(keyword)) for keyword in keywords}
    chosen = {number: element for number, element in tags.items() if number in wanted}
    return in_form(masked(chosen, mask), form)
