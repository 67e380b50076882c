"""Any path is a row of the table with well-formed names, nothing at all, or refused."""

from hypothesis import given
from hypothesis import strategies as st

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.protocols.dicomweb.routes import ROUTES
from pacsgate.protocols.dicomweb.routing import match
from pacsgate.protocols.paths import canonical_path
from tests.support.refusals import read_or_refused

WORDS = sorted({segment for route in ROUTES for segment in route.template.split("/") if segment.isalnum()})
segments = st.one_of(
    st.sampled_from([word.encode() for word in WORDS]),
    st.sampled_from(
        [
            b"1.2",
            b"1.2.",
            b"..",
            b".",
            b"",
            b"%2e%2e",
            b"%2f",
            b"%252f",
            b"1,2",
            b"7FE00010",
            b"A%20B",
            b";x",
            b"\\",
            b"1" * 65,
        ]
    ),
    st.binary(max_size=6),
)
paths = st.one_of(
    st.binary(max_size=40), st.lists(segments, max_size=9).map(lambda parts: b"/" + b"/".join(parts))
)
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])


@given(methods, paths)
def test_any_path_is_matched_denied_or_refused(method: str, raw: bytes) -> None:
    path = read_or_refused(lambda: canonical_path(raw), {400, 414})
    found = None if path is None else read_or_refused(lambda: match(method, path), {400})
    if path is None or found is None:
        return
    assert found.route.method == ("GET" if method == "HEAD" else method)
    template = found.route.template.strip("/").split("/") if path else []
    if found.bulkdata is None:
        assert len(template) == len(path)
    for wanted, got in zip(template, path, strict=False):
        assert wanted == got or wanted.startswith("{")
        if wanted in {"{study}", "{series}", "{instance}", "{uid}", "{workitem}", "{transaction}"}:
            assert is_valid_uid(got)


@given(
    methods,
    st.sampled_from([route for route in ROUTES if "?" not in route.template]),
    st.integers(0, 9),
    segments.filter(bool),
)
def test_a_path_with_a_segment_more_or_less_is_another_row_or_none(
    method: str, route, at: int, extra: bytes
) -> None:
    parts = [
        b"1" if segment.startswith(b"{") else segment
        for segment in route.template.encode().split(b"/")[1:]
        if segment
    ]
    longer = b"/" + b"/".join([*parts[:at], extra, *parts[at:]])
    found = read_or_refused(lambda: match(method, canonical_path(longer)), {400})
    assert found is None or found.route is not route or found.bulkdata is not None or method != route.method
