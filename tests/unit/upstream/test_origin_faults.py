"""What the gate makes of an origin that is down, slow, or talks nonsense."""

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pacsgate.model.errors import ArchiveError, PacsgateError, RequestError, SettingsError
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.ports import StoreOutcome
from pacsgate.upstream.dicomweb.origin import DicomWebArchive
from pacsgate.upstream.dicomweb.settings import DicomWebSettings
from pacsgate.upstream.http.settings import (
    BasicCredentials,
    BearerCredentials,
    ClientCredentials,
    OriginCredentials,
)
from tests.support.clocks import HandClock
from tests.support.objects import variant
from tests.support.ports import free_port
from tests.support.scripted_http import answering

KEY = ResourceKey("2.25.1", "2.25.2", "2.25.3")
SECRET = "canary-secret-5fc1"
MULTIPART = 'multipart/related; type="application/dicom"; boundary=b'
OBJECT = variant().data


@contextmanager
def archive_at(
    url: str, directory: Path, credentials: OriginCredentials | None = None
) -> Iterator[DicomWebArchive]:
    settings = DicomWebSettings(url + "/dicom-web", credentials, timeout_seconds=0.5)
    archive = DicomWebArchive(ArchiveName("main"), settings, directory, HandClock())
    try:
        yield archive
    finally:
        archive.close()


def reply(status: str, body: bytes = b"", **headers: str) -> bytes:
    fields = {"Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def wrapped(*parts: bytes, closed: bool = True) -> bytes:
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + part + b"\r\n" for part in parts)
    return body + (b"--b--\r\n" if closed else b"")


def read(archive: DicomWebArchive) -> bytes:
    return b"".join(archive.open(KEY).chunks())


def ways_to_ask(archive: DicomWebArchive) -> dict[str, Callable[[], object]]:
    return {
        "open": lambda: read(archive),
        "dataset": lambda: archive.dataset(KEY),
        "headers": lambda: list(archive.headers(KEY)),
        "study": lambda: list(archive.study("2.25.1")),
        "existing": lambda: archive.existing("2.25.3"),
        "walk": lambda: list(archive.walk(None)),
        "delete": lambda: archive.delete(KEY),
    }


def test_a_refused_connection_is_an_archive_error_whatever_is_asked(tmp_path: Path) -> None:
    with archive_at(f"http://127.0.0.1:{free_port()}", tmp_path) as archive:
        for ask in ways_to_ask(archive).values():
            with pytest.raises(ArchiveError) as failed:
                ask()
            assert not failed.value.timed_out


def test_silence_is_a_time_out_before_the_answer_and_within_it(tmp_path: Path) -> None:
    half = reply("200 OK", b"", Content_Type=MULTIPART, Content_Length="1000") + wrapped(
        b"DICM", closed=False
    )
    for start in (b"", half):
        with answering(start, then_wait=True) as url, archive_at(url, tmp_path) as archive:
            with pytest.raises(ArchiveError) as failed:
                read(archive)
            assert failed.value.timed_out


def test_an_origin_that_accepts_no_connection_is_a_time_out(tmp_path: Path) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        with archive_at(f"http://127.0.0.1:{full.getsockname()[1]}", tmp_path) as archive:
            with pytest.raises(ArchiveError) as failed:
                read(archive)
            assert failed.value.timed_out
        for one in waiting:
            one.close()


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
def test_an_object_that_is_gone_is_404(tmp_path: Path, status: str) -> None:
    with answering(reply(status)) as url, archive_at(url, tmp_path) as archive:
        with pytest.raises(RequestError) as gone:
            read(archive)
        assert gone.value.status == 404
        assert list(archive.study("2.25.1")) == []


@pytest.mark.parametrize(
    "answer",
    [
        reply("500 Internal Server Error", b"stack trace"),
        reply("401 Unauthorized"),
        reply("403 Forbidden"),
        reply("200 OK", gzip.compress(OBJECT), Content_Type="application/dicom", Content_Encoding="gzip"),
        reply("200 OK", wrapped(OBJECT, closed=False), Content_Type=MULTIPART),
        reply("200 OK", wrapped(OBJECT, OBJECT), Content_Type=MULTIPART),
        reply("200 OK", wrapped(OBJECT), Content_Type="multipart/related"),
        reply("200 OK", b"<html>Sign in</html>", Content_Type="text/html"),
        reply("200 OK", wrapped(OBJECT)[:-300], Content_Type=MULTIPART, Content_Length=str(len(wrapped(OBJECT)))),
        reply("200 OK", b"no boundary here", Content_Type=MULTIPART),
        reply("204 No Content"),
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=[
        "broken", "wants credentials", "forbids", "gzip although not asked", "no closing boundary",
        "two objects", "boundary not named", "a page", "cut short", "no boundary", "nothing", "not HTTP",
    ],
)  # fmt: skip
def test_nonsense_instead_of_an_object_is_an_archive_error(tmp_path: Path, answer: bytes) -> None:
    with answering(answer) as url, archive_at(url, tmp_path) as archive:
        with pytest.raises(ArchiveError) as failed:
            read(archive)
        assert not failed.value.timed_out
        with pytest.raises(ArchiveError):
            archive.dataset(KEY)


def test_a_redirect_is_not_followed_and_nothing_is_sent_where_it_points(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def elsewhere(head: bytes) -> bytes:
        asked.append(head)
        return reply("200 OK", OBJECT, Content_Type="application/dicom")

    with answering(elsewhere) as other:
        for status in ("301 Moved Permanently", "302 Found", "307 Temporary Redirect"):
            redirect = reply(status, Location=f"{other}/dicom-web/studies")
            with answering(redirect) as url, archive_at(url, tmp_path, BearerCredentials(SECRET)) as archive:
                for ask in ways_to_ask(archive).values():
                    with pytest.raises(ArchiveError):
                        ask()
    assert asked == []


def test_what_is_not_dicom_is_streamed_but_never_looked_into(tmp_path: Path) -> None:
    answer = reply("200 OK", wrapped(b"not dicom"), Content_Type=MULTIPART)
    with answering(answer) as url, archive_at(url, tmp_path) as archive:
        assert read(archive) == b"not dicom"
        with pytest.raises(ArchiveError):
            archive.dataset(KEY)


def test_an_origin_may_send_one_object_without_multipart(tmp_path: Path) -> None:
    answer = reply("200 OK", OBJECT, Content_Type="application/dicom")
    with answering(answer) as url, archive_at(url, tmp_path) as archive:
        assert read(archive) == OBJECT


@pytest.mark.parametrize(
    "body",
    [b"", b"[", b"{}", b"[1]", b"[null]", b'[{"00100010": 3}]', b'[{"00100010": {"vr": "PN", "Value": 3}}]',
     b'[{"00100010": {"Value": ["A"]}}]', b'[{"00081115": {"vr": "SQ", "Value": [7]}}]', b"\xff\xfe", b"[" * 100_000,
     b'[{"00081115": {"vr": "SQ", "Value": [' * 2_000],
)  # fmt: skip
def test_nonsense_instead_of_metadata_is_an_archive_error(tmp_path: Path, body: bytes) -> None:
    answer = reply("200 OK", body, Content_Type="application/dicom+json")
    with answering(answer) as url, archive_at(url, tmp_path) as archive:
        for name in ("headers", "study", "walk", "existing"):
            with pytest.raises(ArchiveError):
                ways_to_ask(archive)[name]()


def test_answers_that_are_held_in_memory_have_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pacsgate.upstream.dicomweb.listing._MAX_PAGE_BYTES", 1000)
    monkeypatch.setattr("pacsgate.upstream.dicomweb.metadata._MAX_INSTANCE_BYTES", 1000)
    monkeypatch.setattr("pacsgate.upstream.fetched_whole.MAX_DATASET_BYTES", 1000)
    row = {"00100010": {"vr": "LT", "Value": ["x" * 2000]}}
    answer = reply("200 OK", json.dumps([row]).encode(), Content_Type="application/dicom+json")
    with answering(answer) as url, archive_at(url, tmp_path) as archive:
        for name in ("headers", "study", "walk", "existing"):
            with pytest.raises(ArchiveError, match="too large"):
                ways_to_ask(archive)[name]()
    answer = reply("200 OK", wrapped(OBJECT), Content_Type=MULTIPART)
    with answering(answer) as url, archive_at(url, tmp_path) as archive:
        with pytest.raises(ArchiveError, match="too large"):
            archive.dataset(KEY)
        assert read(archive) == OBJECT, "streams are not held, so they have no such limit"


def test_an_instance_without_uids_is_left_out_and_the_others_are_found(tmp_path: Path) -> None:
    def uid(tag: str, value: str) -> dict[str, object]:
        return {tag: {"vr": "UI", "Value": [value]}}

    whole = (
        uid("0020000D", "2.25.1")
        | uid("0020000E", "2.25.2")
        | uid("00080018", "2.25.3")
        | uid("00080016", "1.2")
    )
    broken = uid("0020000D", "2.25.1")
    answer = reply("200 OK", json.dumps([broken, whole]).encode(), Content_Type="application/dicom+json")
    with answering(answer) as url, archive_at(url, tmp_path) as archive:
        assert [found.summary.sop_instance_uid for found in archive.study("2.25.1")] == ["2.25.3"]


def test_an_origin_that_ignores_the_question_for_a_uid_is_an_error_and_not_a_no(tmp_path: Path) -> None:
    row = {tag: {"vr": "UI", "Value": ["2.25.9"]} for tag in ("0020000D", "0020000E", "00080018")}
    answer = reply("200 OK", json.dumps([row]).encode(), Content_Type="application/dicom+json")
    with answering(answer) as url, archive_at(url, tmp_path) as archive, pytest.raises(ArchiveError):
        archive.existing("2.25.3")


def store_answer(status: str, sequence: str, **item: object) -> bytes:
    tags = {"uid": "00081155", "reason": "00081197"}
    element = {
        tags[name]: {"vr": "UI" if name == "uid" else "US", "Value": [value]} for name, value in item.items()
    }
    body = json.dumps({sequence: {"vr": "SQ", "Value": [element]}}).encode()
    return reply(status, body, Content_Type="application/dicom+json")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (store_answer("200 OK", "00081199", uid="2.25.3"), StoreOutcome.STORED),
        (store_answer("202 Accepted", "00081199", uid="2.25.3"), StoreOutcome.STORED),
        (reply("200 OK", b"<xml/>", Content_Type="application/dicom+xml"), StoreOutcome.STORED),
        (store_answer("409 Conflict", "00081198", uid="2.25.3", reason=0x0111), StoreOutcome.CONFLICT),
        (store_answer("409 Conflict", "00081198", uid="2.25.3", reason=0x0110), None),
        (store_answer("202 Accepted", "00081198", uid="2.25.3", reason=0xA700), None),
        (store_answer("200 OK", "00081199", uid="2.25.4"), None),
        (reply("202 Accepted"), None),
        (reply("404 Not Found"), None),
        (reply("413 Content Too Large"), None),
    ],
)
def test_an_object_is_stored_only_if_the_origin_says_so(
    tmp_path: Path, answer: bytes, outcome: StoreOutcome | None
) -> None:
    def script(head: bytes) -> bytes:
        return answer if head.startswith(b"POST") else reply("204 No Content")

    with answering(script) as url, archive_at(url, tmp_path / "gate") as archive:
        (tmp_path / "object").write_bytes(OBJECT)
        if outcome is None:
            with pytest.raises(ArchiveError):
                archive.store(KEY, tmp_path / "object", "")
        else:
            assert archive.store(KEY, tmp_path / "object", "") is outcome


@pytest.mark.parametrize(
    "credentials",
    [
        BasicCredentials("gate", SECRET),
        BearerCredentials(SECRET),
        ClientCredentials("http://127.0.0.1:1/token", "gate", SECRET),
    ],
)
def test_secrets_are_in_no_error_and_no_repr(tmp_path: Path, credentials: OriginCredentials) -> None:
    assert SECRET not in repr(DicomWebSettings("http://a/", credentials))
    for answer in (reply("401 Unauthorized"), reply("500 No"), b"nonsense\r\n"):
        with answering(answer) as url, archive_at(url, tmp_path, credentials) as archive:
            for ask in ways_to_ask(archive).values():
                with pytest.raises(PacsgateError) as failed:
                    ask()
                chain: BaseException | None = failed.value
                while chain is not None:
                    assert SECRET not in f"{chain!r} {getattr(chain, 'detail', '')}"
                    assert "2.25" not in f"{chain} {getattr(chain, 'detail', '')}"
                    assert (
                        chain.__cause__ is not None or chain.__suppress_context__ or chain.__context__ is None
                    )
                    chain = chain.__cause__


@pytest.mark.parametrize(
    "url", ["ftp://a/", "a", "", "http://", f"http://gate:{SECRET}@a/", "http://a/?x=1", "http://a/#f"]
)
def test_a_url_that_is_no_plain_web_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        DicomWebSettings(url)
    assert SECRET not in refused.value.public
