"""Which objects are documents about images, and which of them are somebody's reading of the study.

Reports that a device makes of its own procedure (dose, administration, procedure
log) are neither: they belong to the study like its images.

Called by `pacsgate.policy.declared`.

Standard: PS3.4 B.5 (SOP Classes).
"""

_ROOT = "1.2.840.10008.5.1.4.1.1"
_READINGS = frozenset(
    [
        *(f"{_ROOT}.88.{n}" for n in (11, 22, 33, 34, 35)),  # SR: Basic Text, Enhanced, Comprehensive, …
        *(f"{_ROOT}.104.{n}" for n in (1, 2)),  # Encapsulated PDF, Encapsulated CDA
    ]
)
_DOCUMENTS = _READINGS | frozenset(
    [
        f"{_ROOT}.88.59",  # Key Object Selection
        *(f"{_ROOT}.88.{n}" for n in (50, 65, 69)),  # CAD SR: mammography, chest, colon
        *(f"{_ROOT}.88.{n}" for n in (70, 72)),  # SR: Implantation Plan, Adult Echo
    ]
)


def is_document(sop_class_uid: str) -> bool:
    """Whether objects of this class say something about images: reports, key objects, findings of CAD."""
    return sop_class_uid in _DOCUMENTS


def is_reading(sop_class_uid: str) -> bool:
    """Whether objects of this class are reports, by which a study has been read."""
    return sop_class_uid in _READINGS
