"""What the plugin sends, in every form that it sends it, and what nobody sends."""

import json
from datetime import UTC, datetime

import pytest

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc_plugin.requests import (
    AskedObject,
    read_link_request,
    read_object_question,
    read_presented_token,
    read_profile_question,
)


def body(**fields: object) -> bytes:
    return json.dumps({name.replace("_", "-"): value for name, value in fields.items()}).encode()


def test_a_profile_is_asked_for_by_token_by_nobody_and_by_name() -> None:
    by_token = read_profile_question(
        body(token_key="token", token_value="x", server_id="main", labels=["new"])
    )
    assert (by_token.presented, by_token.user, by_token.server) == ("x", None, "main")
    nobody = read_profile_question(body(token_key="", token_value="", server_id=None))
    assert (nobody.presented, nobody.user, nobody.server) == ("", None, None)
    by_name = read_profile_question(body(user_id="u-42", server_id=None))
    assert (by_name.presented, by_name.user) == ("", "u-42")


def test_a_name_beside_a_token_is_passed_over() -> None:
    assert read_profile_question(body(token_key="token", token_value="x", user_id="root")).user is None


def test_an_object_has_a_level_and_whatever_is_none_has_not() -> None:
    asked = read_object_question(
        body(method="GET", level="study", orthanc_id="a", dicom_uid="1.2", token_key="t", token_value="x")
    )
    assert (asked.method, asked.level, asked.orthanc_id, asked.uid) == ("get", Level.STUDY, "a", "1.2")
    assert read_object_question(body(method="get", level="system", uri="/changes")).level is None
    assert read_object_question(body(method="get", level="galaxy")).level is None
    assert read_object_question(b"{}").method == ""


def test_a_link_is_asked_for_with_what_is_known_of_its_objects() -> None:
    asked = read_link_request(
        body(
            id="case-7",
            type="ohif-viewer-publication",
            server_id=None,
            resources=[{"dicom-uid": "1.2", "orthanc-id": None, "url": "u", "level": "study"}],
            expiration_date="2027-01-31T01:00:00+01:00",
            validity_duration=3600,
        ),
        "ohif-viewer-publication",
    )
    assert asked.objects == (AskedObject(Level.STUDY, None, "1.2"),)
    assert asked.until == datetime(2027, 1, 31, tzinfo=UTC)
    assert (asked.seconds, asked.label, asked.server) == (3600, "case-7", None)


@pytest.mark.parametrize("text", ["2027-01-31", "2027-01-31T00:00:00", "2027-01-31T00:00:00Z"])
def test_a_date_without_a_zone_is_of_utc(text: str) -> None:
    assert read_link_request(body(resources=[], expiration_date=text), "x").until == datetime(
        2027, 1, 31, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "text", [b"", b"null", b"[]", b'"x"', b"{", b"\xff", body(token_value=7), body(token_value="x" * 8193)]
)
def test_what_is_no_question_is_an_error_of_who_asks(text: bytes) -> None:
    for read in (read_presented_token, read_profile_question, read_object_question):
        with pytest.raises(RequestError):
            read(text)


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        body(resources="x"),
        body(resources=[{"level": "galaxy", "orthanc-id": "a"}]),
        body(resources=[{"level": "study"}]),
        body(resources=[], validity_duration=1.5),
        body(resources=[], expiration_date="soon"),
        body(resources=[], type="another"),
    ],
)
def test_what_asks_for_no_link_is_an_error_of_who_asks(text: bytes) -> None:
    with pytest.raises(RequestError):
        read_link_request(text, "x")
