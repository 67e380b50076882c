"""What a proxy asks about is said once, in one way."""

import pytest

from pacsgate.model.errors import RequestError
from pacsgate.protocols.auth_check.questions import AskedRequest, read_question

NGINX = [("x-original-method", "GET"), ("x-original-uri", "/orthanc/studies?since=1")]
TRAEFIK = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/orthanc/studies?since=1")]
STUDIES = AskedRequest("GET", b"/orthanc/studies", b"since=1")


def test_the_same_request_is_asked_about_in_three_ways() -> None:
    assert read_question("GET", b"", b"", NGINX) == STUDIES
    assert read_question("GET", b"", b"", TRAEFIK) == STUDIES
    assert read_question("GET", b"/orthanc/studies", b"since=1", []) == STUDIES


def test_other_headers_make_no_difference() -> None:
    others = [("host", "h"), ("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "https")]
    assert read_question("GET", b"", b"", [*others, *NGINX]) == STUDIES


@pytest.mark.parametrize(
    ("below", "headers"),
    [
        (b"", []),
        (b"", NGINX[:1]),
        (b"", NGINX[1:]),
        (b"", NGINX + TRAEFIK),
        (b"", NGINX + TRAEFIK[1:]),
        (b"", [NGINX[0], TRAEFIK[1]]),
        (b"", [*NGINX, NGINX[1]]),
        (b"/orthanc/studies", NGINX),
        (b"/orthanc/studies", TRAEFIK[:1]),
    ],
)
def test_a_question_that_is_put_in_two_ways_or_in_part_is_none(
    below: bytes, headers: list[tuple[str, str]]
) -> None:
    with pytest.raises(RequestError):
        read_question("GET", below, b"", headers)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "studies",
        "http://orthanc/studies",
        "*",
        "/a b",
        "/a#b",
        "/a\x00",
        "/caf\u00e9",
        "/a?b c",
        "/a\n/b",
    ],
)
def test_a_target_is_a_path_with_a_query(target: str) -> None:
    with pytest.raises(RequestError):
        read_question("GET", b"", b"", [NGINX[0], ("x-original-uri", target)])


@pytest.mark.parametrize("method", ["", "get", "GET ", "GET, DELETE", "G\u00cbT"])
def test_a_method_is_one_word(method: str) -> None:
    with pytest.raises(RequestError):
        read_question("GET", b"", b"", [("x-original-method", method), NGINX[1]])


def test_what_the_path_says_is_not_decoded_and_its_first_question_mark_begins_the_query() -> None:
    asked = read_question("HEAD", b"/orthanc/%2e%2e/studies", b"a=?&b=%2f", [])
    assert asked == AskedRequest("HEAD", b"/orthanc/%2e%2e/studies", b"a=?&b=%2f")
