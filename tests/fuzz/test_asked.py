"""Whatever a proxy or a plugin sends is a question, or it is refused; nothing breaks and nothing is repaired."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pacsgate.protocols.auth_check.questions import read_question
from pacsgate.protocols.orthanc_plugin.requests import (
    read_link_request,
    read_object_question,
    read_presented_token,
    read_profile_question,
)
from tests.support.refusals import read_or_refused

FIELDS = (
    "token-key",
    "token-value",
    "server-id",
    "user-id",
    "method",
    "level",
    "orthanc-id",
    "dicom-uid",
    "labels",
    "resources",
    "type",
    "id",
    "expiration-date",
    "validity-duration",
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=8,
)
bodies = st.one_of(
    st.binary(max_size=60),
    st.dictionaries(st.sampled_from(FIELDS), values, max_size=8).map(lambda body: json.dumps(body).encode()),
)
headers = st.lists(
    st.tuples(
        st.sampled_from(
            ["x-original-method", "x-original-uri", "x-forwarded-method", "x-forwarded-uri", "accept"]
        ),
        st.one_of(st.sampled_from(["GET", "/orthanc/studies", "/a?b"]), st.text(max_size=12)),
    ),
    max_size=5,
)


@given(method=st.text(max_size=8), below=st.binary(max_size=20), query=st.binary(max_size=20), sent=headers)
def test_a_question_of_a_proxy_is_the_request_as_it_was_received(
    method: str, below: bytes, query: bytes, sent: list[tuple[str, str]]
) -> None:
    asked = read_or_refused(lambda: read_question(method, below, query, sent), {400})
    if asked is None:
        return
    target = asked.raw_path + (b"?" + asked.raw_query if asked.raw_query else b"")
    if below:
        assert (asked.method, target) == (method, below + (b"?" + query if query else b""))
    else:
        said = dict(sent)
        pairs = [
            (said.get(f"x-{name}-method"), said.get(f"x-{name}-uri", "").rstrip("?"))
            for name in ("original", "forwarded")
        ]
        assert (asked.method, target.decode("ascii")) in pairs
    assert asked.raw_path.startswith(b"/")
    assert b"?" not in asked.raw_path


@given(body=bodies)
def test_a_body_of_the_plugin_is_a_question_or_refused(body: bytes) -> None:
    for read in (read_profile_question, read_object_question, read_presented_token):
        read_or_refused(lambda read=read: read(body), {400})
    read_or_refused(lambda: read_link_request(body, "viewer-instant-link"), {400})
