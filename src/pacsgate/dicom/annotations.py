"""Which objects say something about other images, and about which studies.

An annotation may be stored by those who may `annotate` the studies that it
refers to, so the references decide access and are collected generously: every
StudyInstanceUID anywhere in the object, and every study referenced the old way,
counts as referred to.  Too many references can only ask for more permission.

Called by `services.judge_store`.

Standard: PS3.4 B.5 (SOP Classes); PS3.3 C.17.2.1 (hierarchical references),
C.7.2.1 (Referenced Study Sequence), C.11.11 (presentation states), C.12.1.1.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pacsgate.dicom.attributes import tag_of
from pacsgate.dicom.summary import DicomJson

_ROOT = "1.2.840.10008.5.1.4.1.1"
# What people and algorithms remark about images.  Reports that a device makes of its own
# procedure (dose, administration, procedure log) are objects of the study like images.
_ANNOTATION_CLASSES = frozenset(
    [
        *(
            f"{_ROOT}.11.{n}" for n in range(1, 13)
        ),  # Presentation States: grayscale, colour, blending, volumetric
        *(f"{_ROOT}.66.{n}" for n in (4, 5, 7, 8)),  # Segmentation: voxel, surface, label map, height map
        *(
            f"{_ROOT}.88.{n}" for n in (11, 22, 33, 34, 35)
        ),  # SR: Basic Text, Enhanced, Comprehensive, 3D, Extensible
        *(f"{_ROOT}.88.{n}" for n in (50, 65, 69)),  # CAD SR: mammography, chest, colon
        *(f"{_ROOT}.88.{n}" for n in (70, 72, 77)),  # SR: Implantation Plan, Adult Echo, Waveform Annotation
        f"{_ROOT}.88.59",  # Key Object Selection
    ]
)

_STUDY_INSTANCE_UID = tag_of("StudyInstanceUID")
_REFERENCED_STUDY_SEQUENCE = tag_of("ReferencedStudySequence")
_REFERENCED_SOP_INSTANCE_UID = tag_of("ReferencedSOPInstanceUID")


def is_annotation(sop_class_uid: str) -> bool:
    """Whether objects of this class are SR, presentation states, key objects or segmentations."""
    return sop_class_uid in _ANNOTATION_CLASSES


def referenced_studies(header: DicomJson) -> frozenset[str]:
    """Every StudyInstanceUID that the object names, its own included."""
    return frozenset(_references(header))


def _references(header: DicomJson) -> Iterator[str]:
    for tag, element in header.items():
        values = element.get("Value", ())
        if tag == _STUDY_INSTANCE_UID:
            yield from (value for value in values if isinstance(value, str))
            continue
        for item in _items(values):
            if tag == _REFERENCED_STUDY_SEQUENCE:
                # Its items name a study by the SOP Instance UID of a Detached Study
                # Management object, which is by convention the StudyInstanceUID.
                referenced = item.get(_REFERENCED_SOP_INSTANCE_UID, {}).get("Value", ())
                yield from (value for value in referenced if isinstance(value, str))
            yield from _references(item)


def _items(values: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    # Values of PN are objects too; inside those nothing looks like a tag.
    return (value for value in values if isinstance(value, Mapping) and "Alphabetic" not in value)
