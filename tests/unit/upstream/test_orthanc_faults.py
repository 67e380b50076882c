"""What the gate makes of an Orthanc that is down, slow, talks nonsense or names things wrongly, and what it sends it."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pacsgate.model.errors import ArchiveError, GoneError, RequestError
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.ports.orthanc import OrthancRequest
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.upstream.http.settings import (
    BasicCredentials,
    BearerCredentials,
    OriginCredentials,
    OriginSettings,
)
from pacsgate.upstream.orthanc import rest
from pacsgate.upstream.orthanc.archive import OrthancArchive
from tests.support.clocks import HandClock
from tests.support.objects import variant
from tests.support.ports import free_port
from tests.support.scripted_http import answering

SECRET = "canary-secret-77aa"
UIDS = ("2.25.1", "2.25.2", "2.25.3")
ITEM = variant(PatientID="A", StudyInstanceUID=UIDS[0], SeriesInstanceUID=UIDS[1], SOPInstanceUID=UIDS[2])
KEY = ResourceKey(*UIDS, patient_id="A")
STUDY, SERIES, INSTANCE = (orthanc_id("A", *UIDS[:depth]) for depth in (1, 2, 3))
OTHER = orthanc_id("somebody else")
Script = Mapping[str, Any]


@contextmanager
def archive_at(
    url: str, directory: Path, credentials: OriginCredentials | None = None
) -> Iterator[OrthancArchive]:
    settings = OriginSettings(url, credentials, timeout_seconds=0.5)
    archive = OrthancArchive(ArchiveName("main"), settings, directory / "gate", HandClock())
    try:
        yield archive
    finally:
        archive.close()


def reply(status: str, body: bytes = b"", **headers: str) -> bytes:
    fields = {"Content-Length": str(len(body)), "Connection": "close"} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def scripted(script: Script) -> Callable[[bytes], bytes]:
    """Answers by `METHOD /path`: bytes as a whole answer, anything else as JSON; what is not there is 404."""

    def answer(head: bytes) -> bytes:
        method, target, _ = head.decode().split("\r\n")[0].split(" ")
        found = script.get(f"{method} {target.partition('?')[0]}")
        if found is None:
            return reply("404 Not Found")
        return found if isinstance(found, bytes) else reply("200 OK", json.dumps(found).encode())

    return answer


@contextmanager
def noting(status: str = "200 OK") -> Iterator[tuple[str, list[bytes]]]:
    """A server that keeps the head of each request."""
    asked: list[bytes] = []

    def answer(head: bytes) -> bytes:
        asked.append(head)
        return reply(status)

    with answering(answer) as url:
        yield url, asked


def a_study(**replaced: Any) -> dict[str, Any]:
    """An Orthanc that holds one instance."""
    tags = {"PatientID": "A"}
    study = {
        "ID": STUDY, "MainDicomTags": {"StudyInstanceUID": UIDS[0]}, "PatientMainDicomTags": tags,
    }  # fmt: skip
    series = {"ID": SERIES, "MainDicomTags": {"SeriesInstanceUID": UIDS[1]}}
    instance = {"ID": INSTANCE, "MainDicomTags": {"SOPInstanceUID": UIDS[2]}}
    return {
        "GET /studies": [STUDY],
        f"GET /studies/{STUDY}": study,
        f"GET /studies/{STUDY}/patient": {"MainDicomTags": tags},
        f"GET /studies/{STUDY}/instances": [instance],
        f"GET /series/{SERIES}/instances": [instance],
        f"GET /instances/{INSTANCE}": instance,
        f"GET /instances/{INSTANCE}/series": series,
        f"GET /instances/{INSTANCE}/study": study,
        f"GET /instances/{INSTANCE}/patient": {"MainDicomTags": tags},
        f"GET /instances/{INSTANCE}/file": reply("200 OK", ITEM.data),
        "POST /tools/lookup": [{"Type": "Study", "ID": STUDY}, {"Type": "Instance", "ID": INSTANCE}],
        "GET /statistics": {"CountInstances": 1},
    } | replaced


def read(archive: OrthancArchive, key: ResourceKey = KEY) -> bytes:
    return b"".join(archive.open(key).chunks())


def ways_to_ask(archive: OrthancArchive, spooled: Path) -> dict[str, Callable[[], object]]:
    spooled.write_bytes(ITEM.data)
    return {
        "open": lambda: read(archive),
        "open by UID": lambda: read(archive, ResourceKey(*UIDS)),
        "dataset": lambda: archive.dataset(KEY),
        "headers": lambda: list(archive.headers(KEY)),
        "headers of a series": lambda: list(archive.headers(ResourceKey(*UIDS[:2], patient_id="A"))),
        "study": lambda: list(archive.study(UIDS[0])),
        "existing": lambda: archive.existing(UIDS[2]),
        "store": lambda: archive.store(KEY, spooled, ""),
        "walk": lambda: list(archive.walk(None)),
        "arrivals": lambda: list(archive.arrivals([INSTANCE])),
        "count": archive.count,
        "delete": lambda: archive.delete(KEY),
        "ask": lambda: archive.ask_json(OrthancRequest("GET", "/system")),
    }


def test_the_script_of_these_tests_is_an_orthanc(tmp_path: Path) -> None:
    with answering(scripted(a_study())) as url, archive_at(url, tmp_path) as archive:
        assert read(archive) == read(archive, ResourceKey(*UIDS)) == ITEM.data
        assert [a.summary.sop_instance_uid for a in archive.walk(None)] == [UIDS[2]]
        assert [a.summary.sop_instance_uid for a in archive.study(UIDS[0])] == [UIDS[2]]
        assert archive.existing(UIDS[2]) == ResourceKey(*UIDS)
        assert archive.count() == 1


def test_a_refused_connection_is_an_archive_error_whatever_is_asked(tmp_path: Path) -> None:
    with archive_at(f"http://127.0.0.1:{free_port()}", tmp_path) as archive:
        for ask in ways_to_ask(archive, tmp_path / "object").values():
            with pytest.raises(ArchiveError, match="could not be reached") as failed:
                ask()
            assert not failed.value.timed_out


def test_silence_is_a_time_out_before_the_answer_and_within_it(tmp_path: Path) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[DICM"
    for start in (b"", half):
        with answering(start, then_wait=True) as url, archive_at(url, tmp_path) as archive:
            for name in ("open", "ask"):
                with pytest.raises(ArchiveError) as failed:
                    ways_to_ask(archive, tmp_path / "object")[name]()
                assert failed.value.timed_out


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("401 Unauthorized", "refused the gate"),
        ("403 Forbidden", "refused the gate"),
        ("502 Bad Gateway", "refused the request"),
        ("507 Insufficient Storage", "the archive is full"),
        ("302 Found", "refused the request"),
    ],
)
def test_each_refusal_has_a_sentence_that_says_whose_mistake_it_was(
    tmp_path: Path, status: str, sentence: str
) -> None:
    with answering(reply(status, b"stack trace")) as url, archive_at(url, tmp_path) as archive:
        for ask in ways_to_ask(archive, tmp_path / "object").values():
            with pytest.raises(ArchiveError, match=sentence):
                ask()


def test_an_object_that_is_gone_is_404_and_a_study_that_is_gone_is_empty(tmp_path: Path) -> None:
    with answering(reply("404 Not Found")) as url, archive_at(url, tmp_path) as archive:
        for name in ("open", "dataset", "headers", "headers of a series", "delete"):
            with pytest.raises(GoneError):
                ways_to_ask(archive, tmp_path / "object")[name]()
    with answering(scripted({"POST /tools/lookup": []})) as url, archive_at(url, tmp_path) as archive:
        assert list(archive.study(UIDS[0])) == []
        with pytest.raises(GoneError):
            read(archive, ResourceKey(*UIDS))


def test_bytes_that_end_early_are_an_archive_error_and_nothing_of_them_is_kept(tmp_path: Path) -> None:
    cut = reply("200 OK", ITEM.data[:-100], **{"Content-Length": str(len(ITEM.data))})
    script = a_study(**{f"GET /instances/{INSTANCE}/file": cut})
    with answering(scripted(script)) as url, archive_at(url, tmp_path) as archive:
        for name in ("open", "dataset", "headers", "study", "walk"):
            with pytest.raises(ArchiveError):
                ways_to_ask(archive, tmp_path / "object")[name]()
        assert {path.name for path in archive.spool.workspace.iterdir()} == {"lock"}


@pytest.mark.parametrize(
    "nonsense", [{}, [1], [{}], "text", 7, [{"ID": "../system", "Type": "Study"}], reply("200 OK", b"<html>")]
)
@pytest.mark.parametrize("path", sorted(path for path in a_study() if "file" not in path))
def test_nonsense_instead_of_a_document_is_an_archive_error_or_nothing(
    tmp_path: Path, path: str, nonsense: Any
) -> None:
    with (
        answering(scripted(a_study(**{path: nonsense}))) as url,
        archive_at(url, tmp_path) as archive,
    ):
        ways = ways_to_ask(archive, tmp_path / "object")
        for name in ("headers of a series", "study", "existing", "walk"):
            try:
                found = ways[name]()
            except (ArchiveError, GoneError):
                continue
            assert found in (None, [], ResourceKey(*UIDS)) or len(found) == 1  # type: ignore[arg-type]


def test_whatever_orthanc_names_otherwise_than_the_gate_is_left_out(tmp_path: Path) -> None:
    lies: list[Script] = [
        {f"GET /studies/{STUDY}/instances": [{"ID": OTHER}], f"GET /instances/{OTHER}/file": reply("200 OK", ITEM.data)},
        {f"GET /instances/{INSTANCE}/file": reply("200 OK", variant(PatientID="B").data)},
        {"GET /studies": [OTHER], f"GET /studies/{OTHER}": a_study()[f"GET /studies/{STUDY}"]},
    ]  # fmt: skip
    for lie in lies:
        with answering(scripted(a_study(**lie))) as url, archive_at(url, tmp_path) as archive:
            assert list(archive.walk(None)) == []
    stranger = variant(PatientID="A")
    key = stranger.key
    name = orthanc_id("A", key.study_instance_uid, key.series_instance_uid or "", key.sop_instance_uid or "")
    lie = {
        f"GET /studies/{STUDY}/instances": [{"ID": name}],
        f"GET /instances/{name}/file": reply("200 OK", stranger.data),
    }
    with answering(scripted(a_study(**lie))) as url, archive_at(url, tmp_path) as archive:
        assert list(archive.study(UIDS[0])) == [], "a right name in a wrong list"
    lie = {f"GET /studies/{STUDY}/patient": {"MainDicomTags": {"PatientID": "B"}}}
    with answering(scripted(a_study(**lie))) as url, archive_at(url, tmp_path) as archive:
        assert list(archive.study(UIDS[0])) == []
    lie = {f"GET /series/{SERIES}/instances": [{"ID": OTHER, "MainDicomTags": {"SOPInstanceUID": UIDS[2]}}]}
    with (
        answering(scripted(a_study(**lie))) as url,
        archive_at(url, tmp_path) as archive,
        pytest.raises(GoneError),
    ):
        list(archive.headers(ResourceKey(*UIDS[:2], patient_id="A")))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"Status": "FilteredOut"}, "did not take the object"),
        ({}, "did not take the object"),
        (reply("500 Internal Server Error", b'{"OrthancStatus": 19}'), "the archive is full"),
        (reply("500 Internal Server Error", b'{"OrthancStatus": 2016, "Details": "A^B"}'), "did not take"),
        (reply("400 Bad Request", b'{"OrthancStatus": 15}'), "did not take the object"),
        (reply("404 Not Found"), "did not take the object"),
    ],
)
def test_an_object_is_stored_only_if_orthanc_says_so(tmp_path: Path, answer: Any, sentence: str) -> None:
    script = {"POST /tools/lookup": [], "POST /instances": answer}
    with answering(scripted(script)) as url, archive_at(url, tmp_path) as archive:
        with pytest.raises(ArchiveError, match=sentence) as failed:
            ways_to_ask(archive, tmp_path / "object")["store"]()
        assert "A^B" not in f"{failed.value} {failed.value.detail}"


def test_only_the_gates_own_credentials_go_to_orthanc_and_they_are_in_no_error(tmp_path: Path) -> None:
    with noting("500 No") as (url, asked):
        for credentials in (BasicCredentials("gate", SECRET), BearerCredentials(SECRET)):
            with archive_at(url, tmp_path, credentials) as archive:
                for ask in ways_to_ask(archive, tmp_path / "object").values():
                    with pytest.raises(ArchiveError) as failed:
                        ask()
                    chain: BaseException | None = failed.value
                    while chain is not None:
                        assert SECRET not in f"{chain!r} {getattr(chain, 'detail', '')}"
                        chain = chain.__cause__
    assert all(head.lower().count(b"\r\nauthorization: ") == 1 for head in asked)
    assert all(b"\r\naccept-encoding: identity\r\n" in head.lower() + b"\r\n" for head in asked)


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer x"}, {"cookie": "a=b"}, {"Host": "elsewhere"}, {"Accept": "a\r\nX-Y: z"}, {"Accept": "a\0"}],
)  # fmt: skip
def test_a_header_that_is_the_gates_own_or_would_be_two_is_never_sent(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    with noting() as (url, asked), archive_at(url, tmp_path) as archive:
        for method in ("GET", "POST"):
            with pytest.raises(RequestError):
                archive.ask_json(OrthancRequest(method, "/system", headers=headers))
    assert asked == []


def test_a_path_is_quoted_once_and_one_that_leads_elsewhere_is_never_sent(tmp_path: Path) -> None:
    with noting() as (url, asked), archive_at(url + "/below", tmp_path) as archive:
        for method in ("GET", "POST"):
            archive.ask_json(
                OrthancRequest(method, "/instances/a b/metadata/é?#%41", query=(("a", "1&2 %"), ("a", "ü")))
            )
            for path in ("system", "/instances/../system", "/./system", ""):
                with pytest.raises(RequestError):
                    archive.ask_json(OrthancRequest(method, path))
    targets = [head.split(b" ")[1] for head in asked]
    assert targets == [b"/below/instances/a%20b/metadata/%C3%A9%3F%23%2541?a=1%262%20%25&a=%C3%BC"] * 2


def test_an_answer_is_streamed_with_its_size_and_read_only_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = bytes(range(256)) * 100
    monkeypatch.setattr(rest, "_MAX_JSON_BYTES", 1000)

    async def asked(archive: OrthancArchive, method: str) -> None:
        async with archive.ask(OrthancRequest(method, "/x")) as response:
            assert (response.status, response.size) == (200, len(body))
            assert response.headers["x-kind"] == "test"
            assert b"".join([chunk async for chunk in response.stream()]) == body
        async with archive.ask(OrthancRequest(method, "/x")) as response:
            with pytest.raises(ArchiveError, match="too large"):
                await response.read(len(body) - 1)
        async with archive.ask(OrthancRequest(method, "/none", expected=frozenset({404}))) as response:
            assert response.status == 404
        await archive.aclose()

    script = {f"{method} /x": reply("200 OK", body, **{"X-Kind": "test"}) for method in ("GET", "POST")}
    with answering(scripted(script)) as url, archive_at(url, tmp_path) as archive:
        for method in ("GET", "POST"):
            asyncio.run(asked(archive, method))
        with pytest.raises(ArchiveError, match="too large"):
            archive.ask_json(OrthancRequest("GET", "/x"))


def test_a_body_goes_from_hand_or_from_a_file_with_its_length(tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"x" * 100_000)
    with noting() as (url, asked), archive_at(url, tmp_path) as archive:
        for body in (b"text", file, b"", None):
            assert archive.ask_json(OrthancRequest("PUT", "/x", body=body)) is None
    lengths = [head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] for head in asked]
    assert lengths == [b"4", b"100000", b"0", b"0"]


def test_who_waits_for_a_job_is_patient_and_nobody_else(tmp_path: Path) -> None:
    def slow(_head: bytes) -> bytes:
        time.sleep(0.8)
        return reply("200 OK", b"{}")

    job = OrthancRequest("POST", "/studies/x/modify", body=b"{}")
    with answering(slow) as url, archive_at(url, tmp_path) as archive:
        assert archive.ask_json(replace(job, patience_seconds=30.0)) == {}
        with pytest.raises(ArchiveError) as raised:
            archive.ask_json(job)
        assert raised.value.timed_out
