"""Which matching keys have columns, and how an attribute becomes the text in one.

Each column holds the string by whose comparison `pacsgate.dicom.matching` means
two values to be equal: text without padding, dates and times as moments, person
names folded.  Missing and empty attributes are the empty string, which no key
that asks for something matches.

A date or time that is no moment is kept behind `!`: it equals only itself, is in
no range, and sorts before everything that is one.

Called by `ingest` (to fill columns) and `query_sql` (to ask them).

Standard: PS3.4 section C.2.2.2; the keys are those of PS3.18 table 10.6.1-5.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from sqlalchemy import Column

from pacsgate.dicom.attributes import tag_of, vr_of
from pacsgate.dicom.matching import text_key
from pacsgate.dicom.person_names import NameKeys, name_keys
from pacsgate.dicom.summary import DicomJson
from pacsgate.dicom.temporal import date_key, time_key
from pacsgate.stores.schema import NAME_GROUPS, series, study
from pacsgate.stores.storable import storable_text


class Form(Enum):
    """How a column's text is made and compared."""

    TEXT = auto()
    DATE = auto()
    TIME = auto()
    NAME = auto()


@dataclass(frozen=True, slots=True)
class MatchColumn:
    """One matching key with its column, or for a name its three columns."""

    keyword: str
    form: Form
    columns: tuple[Column[str], ...]

    @property
    def vr(self) -> str:
        """The value representation of the key by PS3.6."""
        return vr_of(self.keyword)


def _names(prefix: str) -> tuple[Column[str], ...]:
    return tuple(study.c[f"{prefix}_{group}"] for group in NAME_GROUPS)


STUDY_COLUMNS = (
    MatchColumn("StudyInstanceUID", Form.TEXT, (study.c.study_instance_uid,)),
    MatchColumn("PatientID", Form.TEXT, (study.c.patient_id,)),
    MatchColumn("IssuerOfPatientID", Form.TEXT, (study.c.issuer_of_patient_id,)),
    MatchColumn("AccessionNumber", Form.TEXT, (study.c.accession_number,)),
    MatchColumn("StudyID", Form.TEXT, (study.c.study_id,)),
    MatchColumn("StudyDate", Form.DATE, (study.c.study_date,)),
    MatchColumn("StudyTime", Form.TIME, (study.c.study_time,)),
    MatchColumn("PatientName", Form.NAME, _names("patient_name")),
    MatchColumn("ReferringPhysicianName", Form.NAME, _names("referring_physician_name")),
)
SERIES_COLUMNS = (
    MatchColumn("SeriesInstanceUID", Form.TEXT, (series.c.series_instance_uid,)),
    MatchColumn("Modality", Form.TEXT, (series.c.modality,)),
)
MODALITIES_IN_STUDY = MatchColumn("ModalitiesInStudy", Form.TEXT, (series.c.modality,))
"""Asked of each admitted series of a study, never of the study row."""

_NOT_A_MOMENT = "!"

_DAY = 92_000_000_000
"""A day in the numbers of `recency`: all its microseconds, and so few more that any date fits 63 bits."""


def recency(study_date: str, study_time: str) -> int:
    """The moment in these two columns as a number, by which studies are ordered; 0 if the date is none.

    A time that is none comes before all that are.
    """
    if not study_date.isdigit():
        return 0
    return int(study_date) * _DAY + _moment_of_day(study_time)


def _moment_of_day(study_time: str) -> int:
    digits = study_time.replace(".", "")
    if not digits.isdigit():
        return 0
    seconds = (int(digits[:2]) * 60 + int(digits[2:4])) * 60 + int(digits[4:6])
    # A clock that goes beyond its day stops at the day's end.
    return min(seconds * 1_000_000 + int(digits[6:]) + 1, _DAY - 1)


def date_of(moment: int) -> str:
    """The date in a `recency` that is not 0."""
    return f"{moment // _DAY:08}"


def moment_text(text: str, moment: Callable[[str], str | None]) -> str:
    """A date or time as it stands in its column."""
    return moment(text) or (_NOT_A_MOMENT + text if text else "")


def single_valued(attributes: DicomJson, columns: tuple[MatchColumn, ...]) -> dict[str, Mapping[str, Any]]:
    """The attributes as the index keeps them: those with a column have value multiplicity 1, as PS3.6 says.

    An object that breaks this is known by its first value; so what a column
    says and what an answer shows cannot differ.
    """
    kept = dict(attributes)
    for column in columns:
        tag = tag_of(column.keyword)
        element = kept.get(tag)
        if element is not None and len(element.get("Value", ())) > 1:
            kept[tag] = {**element, "Value": [_first(element)]}
    return kept


def column_values(attributes: DicomJson, columns: tuple[MatchColumn, ...]) -> dict[str, str]:
    """What goes into each column, by its name."""
    return {
        target.name: text
        for column in columns
        for target, text in zip(column.columns, _texts(column, attributes), strict=True)
    }


def _texts(column: MatchColumn, attributes: DicomJson) -> tuple[str, ...]:
    element = attributes.get(tag_of(column.keyword))
    value = None if element is None else _first(element)
    if column.form is Form.NAME:
        keys = name_keys(value) if isinstance(value, str | Mapping) else NameKeys()
        return tuple(storable_text(group) for group in keys.groups)
    text = storable_text(text_key(str(value), column.vr)) if isinstance(value, str | int | float) else ""
    match column.form:
        case Form.TEXT:
            return (text,)
        case Form.DATE:
            return (moment_text(text, date_key),)
        case Form.TIME:
            return (moment_text(text, time_key),)


def _first(element: Mapping[str, Any]) -> Any:
    return next((value for value in element.get("Value", ()) if value is not None), None)
