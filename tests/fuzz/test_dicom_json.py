"""Any answer of an origin is data sets of the DICOM JSON Model or is refused; what is read can be written in every form."""

import json

import ijson
from hypothesis import example, given
from hypothesis import strategies as st

from pacsgate.dicom.summary import DicomJson
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.protocols.dicomweb.data_sets import write_json, write_xml_parts
from pacsgate.upstream.dicomweb.data_sets import read_data_set
from pacsgate.upstream.dicomweb.metadata import _Feed as Feed
from pacsgate.upstream.dicomweb.metadata import _items as items
from tests.support.refusals import read_or_refused

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
tags = st.sampled_from(
    [
        "00080005",
        "00080018",
        "00100010",
        "00081199",
        "7FE00010",
        "7fe00010",
        "00200013",
        "00091001",
        "0010001",
        "PatientID",
    ]
)
vrs = st.sampled_from(["UI", "PN", "SQ", "OW", "IS", "DS", "FD", "AT", "UN", "LO", "us", ""])


def elements(data_sets: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    content = st.one_of(
        st.fixed_dictionaries({"Value": st.lists(st.one_of(scalars, data_sets), max_size=3)}),
        st.fixed_dictionaries({"Value": anything}),
        st.fixed_dictionaries({"BulkDataURI": st.one_of(st.just("http://elsewhere/1"), anything)}),
        st.fixed_dictionaries({"InlineBinary": st.one_of(st.just("AAAA"), anything)}),
        st.just({}),
    )
    return st.dictionaries(
        tags,
        st.one_of(
            st.tuples(st.fixed_dictionaries({"vr": st.one_of(vrs, anything)}), content).map(
                lambda pair: pair[0] | pair[1]
            ),
            anything,
        ),
        max_size=4,
    )


model = st.recursive(st.just({}), elements, max_leaves=6)
bodies = st.one_of(
    st.binary(max_size=40),
    st.one_of(st.lists(model, max_size=2), model, anything).map(lambda value: json.dumps(value).encode()),
)


def read(body: bytes, size: int) -> list[DicomJson]:
    """As metadata of an origin is read, in pieces of so many bytes."""
    pieces = (body[begin : begin + size] for begin in range(0, len(body), size))
    try:
        return [read_data_set(item) for item in items(Feed(pieces))]
    except (ArchiveError, ijson.JSONError):
        raise RequestError("refused") from None


@given(bodies)
@example(b"[" * 200_000)
@example(b"[" + b'{"00081199":{"vr":"SQ","Value":[' * 40 + b"{}" + b"]}}" * 40 + b"]")
@example(b'[{"00080018":{"vr":["UI"],"Value":["1"]}}]')
@example(b'[{"00200013":{"vr":"IS","Value":["' + b"9" * 5000 + b'"]}}]')
@example(b'[{"00200013":{"vr":"DS","Value":[1e999]}}]')
@example(b'[{"0010001\xc2\xb2":{"vr":"PN"}}]')
def test_any_answer_is_read_or_refused(body: bytes) -> None:
    found = read_or_refused(lambda: read(body, 65536), {400})
    if len(body) < 1000:
        assert read_or_refused(lambda: read(body, 1), {400}) == found
    if found is None:
        return
    assert read(write_json(found), 65536) == found
    assert b"".join(write_xml_parts(found, "b")).endswith(b"--b--\r\n")
