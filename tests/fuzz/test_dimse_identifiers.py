"""Whatever a peer sends as an identifier is a search, a retrieval or a refusal, and never a wider search.

Identifiers are built of what identifiers are built of, then cut, flipped and spliced.
"""

import struct

from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dimse.extended_negotiation import QueryExtensions
from pacsgate.protocols.dimse.find_request import Find, read_find, spelled
from pacsgate.protocols.dimse.identifiers import read_identifier, status_of, unique_keys
from pacsgate.protocols.dimse.services import Root
from pacsgate.protocols.dimse.statuses import Status
from tests.unit.protocols.dimse.encoded import sent

SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
REFUSALS = {Status.CANNOT_UNDERSTAND, Status.IDENTIFIER_DOES_NOT_MATCH, Status.OUT_OF_RESOURCES}

texts = st.text(max_size=12) | st.sampled_from(
    [
        "*",
        "?",
        "",
        "\\",
        "A\\B",
        "20260101-",
        "-",
        "1.2.3",
        "1..2",
        "DOE^J*=王",
        '""',
        "\x1b$B",
        "0930-1200",
        "CT\\MR",
    ]
)
keywords = st.sampled_from(
    [
        "SpecificCharacterSet", "PatientID", "PatientName", "StudyDate", "StudyTime", "StudyInstanceUID", "SeriesInstanceUID",
        "SOPInstanceUID", "Modality", "ModalitiesInStudy", "NumberOfStudyRelatedSeries", "Rows", "PatientBirthName",
        "NumberOfPatientRelatedStudies", "TimezoneOffsetFromUTC", "00091001",
    ]
)  # fmt: skip
sequences = st.lists(st.dictionaries(keywords, texts, max_size=2), max_size=2)
keys = st.dictionaries(keywords, texts, max_size=6)
identifiers = st.builds(
    lambda level, keys, items: sent(QueryRetrieveLevel=level, RequestAttributesSequence=items, **keys),
    st.sampled_from(["PATIENT", "STUDY", "SERIES", "IMAGE", "IMAGES", ""]),
    keys,
    sequences,
)


@st.composite
def mutilated(draw: st.DrawFn) -> bytes:
    """An identifier with some bytes changed, cut off or put in."""
    data = bytearray(draw(identifiers))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["flip", "cut", "splice", "length"]))
        if kind == "flip" and at < len(data):
            data[at] ^= draw(st.integers(1, 255))
        elif kind == "cut":
            del data[at : at + draw(st.integers(0, 12))]
        elif kind == "splice":
            data[at:at] = draw(st.binary(max_size=12))
        elif at + 4 <= len(data):
            data[at : at + 4] = struct.pack(
                "<L", draw(st.sampled_from([0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 65536]))
            )
    return bytes(data)


def read(data: bytes, syntax: str, root: Root) -> Find | None:
    """The search, `None` if it is refused as it should be."""
    try:
        identifier = read_identifier(data, syntax, root)
        said = spelled(identifier)
        found = read_find(identifier, QueryExtensions(relational=True, combined_date_time=True, fuzzy=True))
        unique_keys(identifier, relational=True)
    except RequestError as error:
        refused = error
    else:
        assert said.startswith("C-FIND ")
        return found
    assert status_of(refused) in REFUSALS
    assert refused.public.isprintable()
    return None


@given(data=mutilated(), syntax=st.sampled_from(SYNTAXES), root=st.sampled_from(list(Root)))
@example(data=b"\x40\0\x75\x02\xff\xff\xff\xff" * 1000, syntax=ImplicitVRLittleEndian, root=Root.STUDY)
def test_whatever_comes_is_read_or_refused(data: bytes, syntax: str, root: Root) -> None:
    read(data, syntax, root)


@given(keys=keys, root=st.sampled_from(list(Root)))
def test_a_key_with_a_value_is_matched_on_or_refused_or_said_to_be_ignored(
    keys: dict[str, str], root: Root
) -> None:
    found = read(sent(QueryRetrieveLevel="IMAGE", **keys), ImplicitVRLittleEndian, root)
    if found is None:
        return
    matched = {"SpecificCharacterSet", "TimezoneOffsetFromUTC"}
    for query in found.queries:
        matched |= {key.keyword for key in query.match}
        matched |= {"StudyInstanceUID"} if query.study_instance_uid else set()
        matched |= {"SeriesInstanceUID"} if query.series_instance_uid else set()
    lost = {keyword for keyword, value in keys.items() if value.strip(" \0*") and keyword not in matched}
    assert not lost or found.ignores_keys, lost
