"""What each series says of its study and patient, by the header that the index keeps of it.

The attributes of a study's row are those of the instance that came last.  Whoever
sees only some of its series may learn only what these say.

Called by `search`, for studies of which something is hidden, and by `ingest`.

Invariants:
- the patient and the study that a row is about are those of the row's keys, as in its own attributes.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import bindparam, select

from pacsgate.dicom.attributes import KEPT_KEYWORDS, tag_of, vr_of
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.resource import Level
from pacsgate.stores.match_columns import STUDY_COLUMNS, single_valued
from pacsgate.stores.packing import unpack_header
from pacsgate.stores.place import Place
from pacsgate.stores.schema import AnyRow, series

KEYS_OF_THE_ROW = frozenset({"StudyInstanceUID", "PatientID", "IssuerOfPatientID"})
"""All series of one row say the same of these."""

Said = Mapping[str, dict[str, Mapping[str, Any]]]
"""The study's attributes by the SeriesInstanceUID of who says so, in the order of these."""

_KEPT_TAGS = frozenset(tag_of(keyword) for keyword in KEPT_KEYWORDS[Level.STUDY])
_HEADERS = (
    select(series.c.study_pk, series.c.series_instance_uid, series.c.header)
    .where(
        series.c.tenant == bindparam("tenant"),
        series.c.study_pk.in_(bindparam("study_pks", expanding=True)),
    )
    .order_by(series.c.study_pk, series.c.series_instance_uid)
)


def said_by(
    place: Place, studies: Mapping[int, AnyRow], admitted: Collection[tuple[int, str]]
) -> dict[int, Said]:
    """What the admitted series, by study and UID, say of each of these studies."""
    said: dict[int, dict[str, dict[str, Mapping[str, Any]]]] = {study_pk: {} for study_pk in studies}
    if said:
        rows = place.connection.execute(_HEADERS, {"tenant": place.tenant, "study_pks": list(said)})
        for study_pk, uid, header in rows:
            if (study_pk, uid) in admitted:
                said[study_pk][uid] = _of_study(unpack_header(header), studies[study_pk])
    return dict(said)


def identified(attributes: DicomJson, **identifiers: str) -> dict[str, Mapping[str, Any]]:
    """The attributes with these identifiers as the index knows them; an empty one is no attribute."""
    result = dict(attributes)
    for keyword, value in identifiers.items():
        tag = tag_of(keyword)
        if value:
            result[tag] = {"vr": vr_of(keyword), "Value": [value]}
        else:
            result.pop(tag, None)
    return result


def _of_study(header: DicomJson, row: AnyRow) -> dict[str, Mapping[str, Any]]:
    kept = {tag: element for tag, element in header.items() if tag in _KEPT_TAGS}
    return identified(
        single_valued(kept, STUDY_COLUMNS),
        StudyInstanceUID=row.study_instance_uid,
        PatientID=row.patient_id,
        IssuerOfPatientID=row.issuer_of_patient_id,
    )
