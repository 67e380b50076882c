"""Any query string is a search, a rendering or a WADO-URI request, or it is refused with a 4xx or 501."""

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from pacsgate.dicom.attributes import SEARCH_ATTRIBUTES
from pacsgate.dicom.query import Range, SingleValue, UidList, Wildcard
from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.resource import Level
from pacsgate.protocols.dicomweb.accept import negotiate
from pacsgate.protocols.dicomweb.offers import offers
from pacsgate.protocols.dicomweb.rendering_parameters import read_rendering
from pacsgate.protocols.dicomweb.routes import ROUTES
from pacsgate.protocols.dicomweb.search_request import read_search
from pacsgate.protocols.dicomweb.wado_uri import asks_for_wado, read_wado_uri
from pacsgate.protocols.query_string import read_query_string
from tests.support.refusals import read_or_refused

names = st.one_of(
    st.sampled_from([attribute.keyword for attribute in SEARCH_ATTRIBUTES]),
    st.sampled_from([attribute.tag for attribute in SEARCH_ATTRIBUTES]),
    st.sampled_from(["limit", "offset", "includefield", "fuzzymatching", "multiplevaluematching", "viewport", "window", "quality", "requestType",
                     "studyUID", "seriesUID", "objectUID", "rows", "region", "windowCenter", "windowWidth", "frameNumber", "transferSyntax"]),
    st.text(max_size=8),
)  # fmt: skip
values = st.one_of(
    st.sampled_from(["", "*", "1.2", "1.2,3.4", "1\\2", "20200101-", "-", "1000-1200", "true", "WADO", "0,0,1,1", "40,400,linear", "A^B?", "all", "10,10,,,1,"]),
    st.text(max_size=10),
    st.integers().map(str),
    st.floats().map(str),
)  # fmt: skip
queries = st.one_of(
    st.binary(max_size=60),
    st.lists(st.tuples(names, values), max_size=5).map(
        lambda pairs: "&".join(
            f"{quote(name)}={quote(value)}" for name, value in pairs if name.isprintable()
        ).encode("ascii")
    ),
)


@given(queries, st.sampled_from([Level.STUDY, Level.SERIES, Level.INSTANCE]))
def test_a_search_is_read_or_refused(raw: bytes, level: Level) -> None:
    query = read_or_refused(lambda: read_search(level, None, read_query_string(raw), maximum=100), {400, 414})
    if query is None:
        return
    assert 0 <= query.limit <= 100
    assert query.offset >= 0
    for key in query.match:
        assert ".".join(key.path) in query.include
        match key.matching:
            case SingleValue(value) | Wildcard(value):
                assert value
            case UidList(several):
                assert len(several) > 1
                assert all(several)
                assert not key.path[-1].endswith("UID") or all(map(is_valid_uid, several))
            case Range(low, high):
                assert low or high


@given(queries)
def test_rendering_and_wado_uri_parameters_are_read_or_refused(raw: bytes) -> None:
    for thumbnail in (False, True):
        read_or_refused(lambda: read_rendering(read_query_string(raw), thumbnail=thumbnail), {400, 414})  # noqa: B023 - called at once
    read_or_refused(lambda: read_wado_uri(read_query_string(raw)), {400, 414, 501})
    read_or_refused(lambda: asks_for_wado(read_query_string(raw)), {400, 414})


@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(st.sampled_from(["*/*", "image/*", "multipart/related", ";q=0", ";q=1.0", ",", ';type="application/dicom"', "; transfer-syntax=*", '"', " "]), max_size=8).map("".join),
    )
)  # fmt: skip
def test_any_accept_is_weighed_or_refused(header: str) -> None:
    for route in ROUTES:
        if offers(route):
            read_or_refused(lambda: negotiate(offers(route), header), {400, 406})  # noqa: B023 - called at once
