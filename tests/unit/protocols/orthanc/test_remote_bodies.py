import json
from collections.abc import Callable
from typing import Any

import pytest

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc import remote_bodies as remote


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_a_query_is_read_and_made_anew() -> None:
    query = remote.read_query(body(Level="Study", Query={"0010,0010": "DOE*"}, Normalize=False, Timeout=3))
    assert query.level is Level.STUDY
    assert query.upstream() == {
        "Level": "Study",
        "Query": {"PatientName": "DOE*"},
        "Normalize": False,
        "Timeout": 3,
    }


def test_a_query_asks_for_all_without_conditions() -> None:
    assert remote.read_query(body(Level="Patient")).upstream() == {"Level": "Patient", "Query": {}}


@pytest.mark.parametrize(
    "read",
    [
        remote.read_echo,
        remote.read_query,
        remote.read_fetch,
        remote.read_retrieval,
        remote.read_server_request,
    ],
)
@pytest.mark.parametrize("field", ["LocalAet", "Host", "HttpHeaders"])
def test_nobody_speaks_in_another_name_or_to_another_place(
    read: Callable[[bytes], object], field: str
) -> None:
    with pytest.raises(RequestError, match=field):
        read(body(**{field: "x"}))


def test_an_echo_may_have_no_body() -> None:
    assert remote.read_echo(b"") == {}
    assert remote.read_echo(body(Timeout=1, CheckFind=True)) == {"Timeout": 1, "CheckFind": True}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"AET": "A"},
        {"AET": "A", "Host": "h", "Port": 0},
        {"AET": "A", "Host": "h/x", "Port": 104},
        {"AET": " ", "Host": "h", "Port": 104},
        {"AET": "A", "Host": "h", "Port": 104, "Other": 1},
    ],
)
def test_an_echo_to_an_unknown_modality_says_where_it_is(fields: dict[str, Any]) -> None:
    right = {"AET": "A", "Host": "h.example", "Port": 104}
    assert remote.read_dicom_echo(body(**right)) == right
    with pytest.raises(RequestError):
        remote.read_dicom_echo(body(**fields))


def test_what_is_fetched_is_named_by_identifiers() -> None:
    fetch = remote.read_fetch(
        body(Level="Study", Resources=[{"0020,000d": "1.2"}], TargetAet="ELSEWHERE", Asynchronous=True)
    )
    assert fetch.target == "ELSEWHERE"
    assert fetch.upstream("ORTHANC") == {
        "Level": "Study",
        "Resources": [{"StudyInstanceUID": "1.2"}],
        "Synchronous": False,
        "Permissive": False,
        "TargetAet": "ORTHANC",
    }
    assert "TargetAet" not in fetch.upstream(None)


@pytest.mark.parametrize(
    "resources", [None, [], {}, ["1.2"], [{"StudyInstanceUID": 5}], [{"Nonsense": "1"}], [{}] * 1001]
)
def test_what_is_fetched_in_another_shape_is_refused(resources: object) -> None:
    with pytest.raises(RequestError):
        remote.read_fetch(body(Level="Study", Resources=resources))


def test_answers_are_retrieved_to_a_title_as_text_or_in_an_object() -> None:
    assert remote.read_retrieval(b"ORTHANC\n").target == "ORTHANC"
    assert remote.read_retrieval(b"").target is None
    retrieval = remote.read_retrieval(body(TargetAet="ORTHANC", Asynchronous=True, Timeout=9))
    assert retrieval.upstream("GATE") == {
        "Synchronous": False,
        "Permissive": False,
        "Timeout": 9,
        "TargetAet": "GATE",
    }
    with pytest.raises(RequestError):
        remote.read_retrieval(b"A TITLE THAT IS TOO LONG")


def test_a_find_is_one_set_of_conditions_or_one_for_each_level() -> None:
    assert remote.read_find(body(PatientID="P1")) == {"PatientID": "P1"}
    assert remote.read_find(b'[{"PatientID": "P1"}, {"0020,000d": "1"}]') == [
        {"PatientID": "P1"},
        {"StudyInstanceUID": "1"},
    ]
    for raw in (b"5", b'"x"', b'["x"]', b'{"PatientID": 5}'):
        with pytest.raises(RequestError):
            remote.read_find(raw)


def test_a_worklist_is_asked_with_conditions_inside_sequences() -> None:
    nested = {"ScheduledProcedureStepSequence": [{"Modality": "CT"}]}
    assert remote.read_find_worklist(body(**nested)) == {"Query": nested}
    assert remote.read_find_worklist(body(Query=nested, Short=True)) == {"Query": nested, "Short": True}
    with pytest.raises(RequestError):
        remote.read_find_worklist(body(Modality=5))


@pytest.mark.parametrize("uri", ["/studies", "studies/", "/studies/1.2/metadata"])
def test_a_server_is_asked_below_its_root(uri: str) -> None:
    read = remote.read_server_request(body(Uri=uri, Arguments={"PatientID": "P1"}))
    assert read == {"Uri": "/" + uri.strip("/"), "Arguments": {"PatientID": "P1"}}


@pytest.mark.parametrize("uri", ["/../admin", "//elsewhere/x", "/studies?x=1", "/a%2fb", "http://elsewhere/"])
def test_a_server_is_asked_nowhere_else(uri: str) -> None:
    with pytest.raises(RequestError):
        remote.read_server_request(body(Uri=uri))


def test_what_a_server_is_asked_for_is_named_by_uids() -> None:
    read = remote.read_server_retrieval(
        body(Resources=[{"Study": "1.2", "Series": "1.3"}], Synchronous=False)
    )
    assert read == {"Resources": [{"Study": "1.2", "Series": "1.3"}], "Synchronous": False}
    for named in ({}, {"Series": "1.2"}, {"Study": "1.2", "Instance": "1.3"}, {"Study": "*"}, "1.2"):
        with pytest.raises(RequestError):
            remote.read_server_retrieval(body(Resources=[named]))
