"""The search form for studies, and the query that it means.

What people fill in becomes the same parameters as QIDO-RS takes, and is read by the same reader.
Names and descriptions need not be written out: a name is found by its beginning, a description by
any part; whoever writes a `*` or `?` means exactly that.

Called by `studies_pages`.

Standard: PS3.18 10.6.1.2 (matching); PS3.4 C.2.2.2.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlencode

from pacsgate.dicom.query import Query
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.dicomweb.search_request import read_search
from pacsgate.protocols.query_string import Parameters, read_query_string

PAGE = 50
"""Studies on one page."""
SORTABLE = 1000
"""Studies that may be put in another order than the newest first."""

_WILD = frozenset("*?")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form."""

    name: str
    label: str
    hint: str = ""
    kind: str = "text"


MAIN = (
    Field("PatientName", "Patient's name", "Such as doe, j"),
    Field("PatientID", "Patient ID"),
    Field("from", "Studied from", kind="date"),
    Field("until", "Studied until", kind="date"),
    Field("ModalitiesInStudy", "Modality"),
    Field("AccessionNumber", "Accession number"),
    Field("StudyDescription", "Description", "Any part of it"),
    Field("ReferringPhysicianName", "Referring physician"),
)
FURTHER = (
    Field("PatientBirthDate", "Born on", kind="date"),
    Field("StudyID", "Study ID"),
    Field("StudyInstanceUID", "Study Instance UID"),
    Field("keyword", "Any other attribute", "Its DICOM keyword, such as BodyPartExamined"),
    Field("value", "… has the value"),
)
_NAMES = tuple(field.name for field in (*MAIN, *FURTHER))

ORDERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "date": ("StudyDate", "Date"),
        "patient": ("PatientName", "Patient"),
        "description": ("StudyDescription", "Description"),
        "modality": ("ModalitiesInStudy", "Modality"),
    }
)
"""By which columns a list can be put in order: word in the address, attribute, heading."""


@dataclass(frozen=True, slots=True)
class StudySearch:
    """What somebody filled in."""

    values: Mapping[str, str]

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "StudySearch":
        """What of these fields the form knows and was filled in."""
        filled = {name: given.get(name, "").strip() for name in _NAMES}
        return cls(MappingProxyType({name: value for name, value in filled.items() if value}))

    @property
    def uses_further(self) -> bool:
        """Whether one of the fields that are folded away is filled in."""
        return any(field.name in self.values for field in FURTHER)

    @property
    def written(self) -> str:
        """The search as QIDO-RS would be asked it; also what the record keeps."""
        return urlencode(tuple(self._parameters()))

    def query(self, *, limit: int, offset: int) -> Query:
        """The query that it means.  Raises `RequestError`."""
        parameters: Parameters = (*read_query_string(self.written.encode("ascii")), ("offset", str(offset)))
        return read_search(Level.STUDY, None, parameters, maximum=limit)

    def _parameters(self) -> Iterator[tuple[str, str]]:
        low, high = self._date("from"), self._date("until")
        if low or high:
            yield "StudyDate", low if low == high else f"{low}-{high}"
        for name, value in self.values.items():
            if name in _READ:
                yield name, _READ[name](value)
        keyword, wanted = self.values.get("keyword"), self.values.get("value")
        if keyword and wanted:
            yield keyword, wanted
        elif keyword or wanted:
            raise RequestError("another attribute needs both its keyword and a value")

    def _date(self, name: str) -> str:
        return _date(self.values[name]) if name in self.values else ""


def _date(written: str) -> str:
    return written.replace("-", "")


def _name(written: str) -> str:
    """`Doe, Jane` and `DOE^JANE` as the pattern of a name that begins so."""
    if _WILD & set(written):
        return written
    family, comma, given = written.partition(",")
    return f"{family.strip()}^{given.strip()}*" if comma else f"{written}*"


def _part(written: str) -> str:
    return written if _WILD & set(written) else f"*{written}*"


_READ: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "PatientName": _name,
        "ReferringPhysicianName": _name,
        "StudyDescription": _part,
        "PatientID": str,
        "AccessionNumber": str,
        "ModalitiesInStudy": str.upper,
        "StudyID": str,
        "StudyInstanceUID": str,
        "PatientBirthDate": _date,
    }
)
