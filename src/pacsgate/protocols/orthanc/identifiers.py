"""Orthanc's identifiers: SHA-1 of the DICOM identifiers from the patient down, in five groups of digits.

An identifier is a function of PatientID and UIDs, so the gate computes it and never has to
believe a client or an archive about it.  It cannot be turned back: the index looks it up.

Called by the index, the door and `upstream.orthanc`.

Standard: the Orthanc Book, "Orthanc identifiers".
"""

import hashlib
import re

_SHAPE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")


def orthanc_id(patient_id: str, *uids: str) -> str:
    """The identifier of a patient, or of the study, series or instance that the UIDs lead to."""
    name = hashlib.sha1("|".join((patient_id, *uids)).encode(), usedforsecurity=False).hexdigest()
    return f"{name[:8]}-{name[8:16]}-{name[16:24]}-{name[24:32]}-{name[32:]}"


def is_orthanc_id(text: str) -> bool:
    """Whether a text has the shape of an identifier; whether it exists is not asked here."""
    return _SHAPE.fullmatch(text) is not None


def ids_in(document: object) -> frozenset[str]:
    """Every identifier that stands anywhere in a JSON document, also within a path."""
    match document:
        case str():
            return frozenset(found[0] for found in _SHAPE.finditer(document))
        case dict():
            return frozenset().union(*map(ids_in, document.values()))
        case list():
            return frozenset().union(*map(ids_in, document))
        case _:
            return frozenset()
