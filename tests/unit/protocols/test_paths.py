from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import RequestError
from pacsgate.protocols.paths import (
    DICOMWEB_ROOT,
    MAX_PATH_BYTES,
    canonical_path,
    refuse_method_override,
    seen_by_archive,
)


@pytest.mark.parametrize(
    ("raw", "segments"),
    [
        (b"", ()),
        (b"/", ()),
        (b"/studies", ("studies",)),
        (b"/studies/1.2.3/metadata", ("studies", "1.2.3", "metadata")),
        (b"/st%75dies/1%2E2", ("studies", "1.2")),
        (
            b"/studies/1/series/2/instances/3/frames/1%2C2",
            ("studies", "1", "series", "2", "instances", "3", "frames", "1,2"),
        ),
        (b"/workitems/1/subscribers/MY%20AE", ("workitems", "1", "subscribers", "MY AE")),
    ],
)
def test_a_plain_path_is_decoded_once(raw: bytes, segments: tuple[str, ...]) -> None:
    assert canonical_path(raw) == segments


@pytest.mark.parametrize(
    "raw",
    [
        b"studies",
        b"//studies",
        b"/studies//1.2",
        b"/studies/",
        b"/studies/1.2/",
        b"/studies/../metadata",
        b"/studies/./1.2",
        b"/studies/%2e%2e/1.2",
        b"/studies/%2E",
        b"/studies%2f1.2",
        b"/studies%2F1.2",
        b"/studies\\1.2",
        b"/studies/%5c",
        b"/studies;v=1/1.2",
        b"/studies/1.2%3bv=1",
        b"/studies/%2531",
        b"/studies/%252e%252e",
        b"/studies/%00",
        b"/studies/1.2%0d%0a",
        b"/studies/\x7f",
        b"/studies/%C3%A9",
        b"/studies/\xc3\xa9",
        b"/studies/%c0%af",
        b"/studies/%",
        b"/studies/%1",
        b"/studies/%zz",
        b"/studies?x",
        b"/studies/1.2%3fx",
        b"/studies/%23",
        b"http://elsewhere/studies",
    ],
)
def test_a_path_that_could_mean_two_things_is_refused(raw: bytes) -> None:
    with pytest.raises(RequestError) as refusal:
        canonical_path(raw)
    assert refusal.value.status == 400


def test_an_over_long_path_is_refused() -> None:
    with pytest.raises(RequestError) as refusal:
        canonical_path(b"/" + b"a" * MAX_PATH_BYTES)
    assert refusal.value.status == 414


@given(st.binary(max_size=60).map(lambda tail: b"/" + tail))
def test_what_is_accepted_is_what_any_decoder_would_read(raw: bytes) -> None:
    try:
        segments = canonical_path(raw)
    except RequestError:
        return
    assert unquote(raw.decode("ascii")) == "/" + "/".join(segments)
    assert canonical_path(("/" + "/".join(segments)).encode()) == segments
    assert not {"", ".", ".."} & set(segments)


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "x-http-method", "X-Method-Override"])
def test_a_method_override_header_is_refused(header: str) -> None:
    with pytest.raises(RequestError):
        refuse_method_override([header], [])


def test_a_method_override_parameter_is_refused() -> None:
    with pytest.raises(RequestError):
        refuse_method_override([], ["_Method"])
    refuse_method_override(["accept"], ["limit", "method"])


@pytest.mark.parametrize(
    ("raw_path", "seen"),
    [
        (b"", "/dicom-web"),
        (b"/studies", "/dicom-web/studies"),
        (b"/studies/1.2/series/%33", "/dicom-web/studies/1.2/series/3"),
    ],
)
def test_rules_see_the_canonical_path_without_the_gate_s_mount(raw_path: bytes, seen: str) -> None:
    assert seen_by_archive(canonical_path(raw_path), root=DICOMWEB_ROOT) == seen


def test_rules_see_orthanc_s_own_api_at_the_root() -> None:
    assert seen_by_archive(("studies", "1"), root="") == "/studies/1"
    assert seen_by_archive((), root="") == "/"


@pytest.mark.parametrize(
    ("raw", "segments"), [(b"/", ()), (b"/studies/", ("studies",)), (b"/app/a.js/", ("app", "a.js"))]
)
def test_where_it_changes_nothing_one_slash_may_end_a_path(raw: bytes, segments: tuple[str, ...]) -> None:
    assert canonical_path(raw, slash_may_end=True) == segments


@pytest.mark.parametrize("raw", [b"//", b"/studies//", b"//studies", b"/a//b"])
def test_two_slashes_are_refused_also_there(raw: bytes) -> None:
    with pytest.raises(RequestError):
        canonical_path(raw, slash_may_end=True)
