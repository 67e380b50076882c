"""Any body or query string is read or refused, whatever it holds; and what would go upstream is JSON."""

import json
from collections.abc import Callable
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from pacsgate.protocols.orthanc import remote_bodies as remote
from pacsgate.protocols.orthanc.archive_request import read_archive_body, read_batch_body
from pacsgate.protocols.orthanc.arguments import (
    LIST_ARGUMENTS,
    read_arguments,
    read_page,
    read_requested_tags,
)
from pacsgate.protocols.orthanc.create_body import read_new_object
from pacsgate.protocols.orthanc.find_body import read_count, read_find
from pacsgate.protocols.orthanc.modify_body import read_merge, read_modification, read_split
from pacsgate.protocols.orthanc.resource_lists import read_bulk_content, read_bulk_delete
from pacsgate.protocols.orthanc.routing import match
from pacsgate.protocols.orthanc.send_body import Recipient, read_send
from pacsgate.protocols.orthanc.table import ROUTES
from pacsgate.protocols.paths import canonical_path
from tests.support.refusals import read_or_refused

ONE = "6b0d4bd6-1b5bb9d6-6a2f0d54-0c1e7a0f-aa11bb22"
FIELDS = [
    "Level",
    "Query",
    "Resources",
    "Expand",
    "Limit",
    "Since",
    "Replace",
    "Remove",
    "Keep",
    "KeepSource",
    "Force",
    "Synchronous",
    "Asynchronous",
    "Priority",
    "Series",
    "Instances",
    "Tags",
    "Parent",
    "Content",
    "TargetAet",
    "Uri",
    "Arguments",
    "Timeout",
    "Transcode",
    "Filename",
    "RequestedTags",
    "ParentStudy",
    "PatientName",
    "0010,0020",
    "StudyInstanceUID",
]
texts = st.one_of(
    st.sampled_from(
        [*FIELDS, ONE, "Study", "Series", "1.2.3", "DOE*", "20200101-", "CT\\MR", "a[0].b", "/studies"]
    ),
    st.text(max_size=8),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(FIELDS), texts), inner, max_size=4),
    ),
    max_leaves=12,
)
bodies = st.one_of(st.binary(max_size=30), values.map(lambda value: json.dumps(value).encode()))

READERS: tuple[Callable[[bytes], object], ...] = (
    read_find,
    read_count,
    read_bulk_content,
    read_bulk_delete,
    lambda raw: read_send(raw, Recipient.MODALITY).upstream((ONE,)),
    lambda raw: read_archive_body(raw).upstream((ONE,), media=True),
    lambda raw: read_batch_body(raw).upstream((ONE,), media=False),
    lambda raw: read_modification(raw, anonymizes=False, bulk=False).upstream(),
    lambda raw: read_modification(raw, anonymizes=True, bulk=True).upstream((ONE,)),
    lambda raw: read_merge(raw).upstream((ONE,)),
    lambda raw: read_split(raw).upstream((ONE,), ()),
    lambda raw: read_new_object(raw).upstream(),
    remote.read_echo,
    lambda raw: remote.read_query(raw).upstream(),
    lambda raw: remote.read_fetch(raw).upstream("GATE"),
    lambda raw: remote.read_retrieval(raw).upstream("GATE"),
    remote.read_find,
    remote.read_find_worklist,
    remote.read_server_request,
    remote.read_server_retrieval,
)


@given(bodies)
def test_any_body_is_read_or_refused_by_every_reader(raw: bytes) -> None:
    for reader in READERS:
        read = read_or_refused(partial(reader, raw), {400, 413, 414, 501})
        if isinstance(read, dict | list):
            json.dumps(read, allow_nan=False)


@given(st.lists(st.tuples(texts, texts), max_size=4))
def test_any_arguments_are_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    known = read_or_refused(lambda: read_arguments(tuple(pairs), LIST_ARGUMENTS), {400})
    if known is not None:
        read_or_refused(lambda: read_page(known), {400})
        read_or_refused(lambda: read_requested_tags(known), {400})


WORDS = sorted({word for route in ROUTES for word in route.template.split("/") if word and "{" not in word})
segments = st.one_of(
    st.sampled_from(
        [*(word.encode() for word in WORDS), ONE.encode(), b"..", b"%2e", b"0", b"1.2", b"dicom", b"a;b"]
    ),
    st.binary(max_size=6),
)


@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]),
    st.lists(segments, max_size=6).map(lambda parts: b"/" + b"/".join(parts)),
)
def test_any_path_is_matched_denied_or_refused(method: str, raw: bytes) -> None:
    path = read_or_refused(lambda: canonical_path(raw, slash_may_end=True), {400, 414})
    found = None if path is None else match(method, path)
    if found is not None:
        assert found.route.method == ("GET" if method == "HEAD" else method)
        assert canonical_path(found.path.encode()) == path
