"""What every door answers before its own work begins, and how it ends when that work breaks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from dataclasses import replace

import pytest
from starlette.responses import Response, StreamingResponse

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.gateway.http.edge import Edge, Handle, Visit
from pacsgate.gateway.http.mounts import Dialect, Mount
from pacsgate.gateway.http.named_studies import NamedStudy, note_studies
from pacsgate.gateway.http.request_context import RequestContexts
from pacsgate.gateway.http.threads import Threads
from pacsgate.model.errors import ArchiveError, GoneError, RecordError, RequestError
from pacsgate.sinks.trail_reader import read_trail
from tests.support.open_gate import MAIN, Answer, OpenGate, ask, open_gate

HERE = Mount(b"/dicom-web", Dialect.DICOMWEB, MAIN)
Headers = tuple[tuple[bytes, bytes], ...]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGate]:
    directory = tmp_path_factory.mktemp("edge")
    with pytest.MonkeyPatch.context() as patch, open_gate(directory) as opened:
        patch.setenv("PROMETHEUS_MULTIPROC_DIR", str(directory))
        yield opened


async def content(_visit: Visit) -> Response:
    return Response(b"content")


def answered(
    opened: OpenGate, handle: Handle = content, further: Headers = (), query: bytes = b"", **edge: object
) -> Answer:
    """What a door with this handle answers ada, or whoever `further` names."""
    headers = further if any(name == b"authorization" for name, _ in further) else (*further, bearer(opened))
    return asked(opened, handle, headers, query, **edge)


def asked(opened: OpenGate, handle: Handle, headers: Headers, query: bytes = b"", **edge: object) -> Answer:
    async def once() -> Answer:
        threads = Threads(2)
        contexts = RequestContexts(opened.gate.settings, opened.gate.clock)
        door = Edge(opened.gate, contexts, threads, HERE)
        door = replace(door, **edge)  # type: ignore[arg-type]

        async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
            await door.serve(scope, receive, send, handle)

        return await ask(app, "/", headers, query=query)

    return asyncio.run(once())


def bearer(opened: OpenGate) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {opened.token.text}".encode()


def denials(opened: OpenGate, answer: Answer) -> list[tuple[str, ...]]:
    """The reasons of every denial of one request."""
    return [
        entry.event.reasons
        for entry in read_trail(opened.installation.settings.data / "trail")
        if entry.event.kind is EventKind.DENIED and entry.event.request_id == answer.headers["x-request-id"]
    ]


def test_a_verified_subject_is_handed_on_with_its_query(opened: OpenGate) -> None:
    visits: list[Visit] = []

    async def handle(visit: Visit) -> Response:
        visits.append(visit)
        return await content(visit)

    answer = answered(opened, handle, query=b"limit=1&limit=2")
    assert (answer.status, answer.body) == (200, b"content")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"] == visits[0].context.request_id
    assert (visits[0].subject.name, visits[0].parameters) == ("ada", (("limit", "1"), ("limit", "2")))


def test_nobody_is_told_anything_and_it_is_on_record(opened: OpenGate) -> None:
    answer = asked(opened, content, (), query=b"%")
    assert answer.status == 401
    assert "www-authenticate" in answer.headers
    assert denials(opened, answer) == [("no-credential",)]


def test_two_credentials_are_none(opened: OpenGate) -> None:
    assert asked(opened, content, (bearer(opened), bearer(opened))).status == 401


@pytest.mark.parametrize(
    ("further", "query"),
    [(((b"x-http-method-override", b"DELETE"),), b""), ((), b"_method=DELETE"), ((), b"%zz=1")],
)
def test_a_request_that_asks_to_be_taken_for_another_never_reaches_the_door(
    opened: OpenGate, further: Headers, query: bytes
) -> None:
    async def handle(_visit: Visit) -> Response:
        raise AssertionError("reached")

    assert answered(opened, handle, further, query).status == 400


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (RequestError("no", status=413), 413),
        (ArchiveError("down"), 502),
        (RecordError("no disk"), 503),
        (KeyError("surprise"), 500),
    ],
)
def test_whatever_is_raised_has_an_answer(opened: OpenGate, raised: Exception, status: int) -> None:
    async def handle(_visit: Visit) -> Response:
        raise raised

    answer = answered(opened, handle)
    assert answer.status == status
    assert b"surprise" not in answer.body
    assert denials(opened, answer) == ([("internal-error",)] if status == 500 else [])


def test_what_breaks_and_cannot_be_recorded_is_said_to_be_that(
    opened: OpenGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handle(_visit: Visit) -> Response:
        raise KeyError("surprise")

    def submit(_event: AuditEvent) -> "Future[None]":
        failed: Future[None] = Future()
        failed.set_exception(RecordError("no disk"))
        return failed

    monkeypatch.setattr(type(opened.gate.trail), "submit", lambda _self, event: submit(event))
    assert answered(opened, handle).status == 503


def test_a_body_that_breaks_off_is_never_taken_for_whole(opened: OpenGate) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        raise ArchiveError("gone")

    async def handle(_visit: Visit) -> Response:
        return StreamingResponse(body())

    answer = answered(opened, handle)
    assert (answer.status, answer.body, answer.is_whole) == (200, b"half", False)


def test_a_purpose_that_is_not_the_subjects_is_refused_on_record(opened: OpenGate) -> None:
    async def handle(visit: Visit) -> Response:
        threads = Threads(2)
        contexts = RequestContexts(opened.gate.settings, opened.gate.clock)
        stated = await Edge(opened.gate, contexts, threads, HERE).stated(visit)
        return stated if isinstance(stated, Response) else await content(stated)

    assert answered(opened, handle).status == 200
    refused = answered(opened, handle, ((b"pacsgate-purpose", b"HMARKT"),))
    assert refused.status == 403
    assert denials(opened, refused) == [("purpose-not-held",)]


def test_a_door_without_cookies_takes_none(opened: OpenGate) -> None:
    cookie = ((b"cookie", b"__Host-pacsgate=anything"),)
    looked_at, ignored = (
        asked(opened, content, cookie, accepts_cookies=accepts) for accepts in (True, False)
    )
    assert (looked_at.status, ignored.status) == (401, 401)
    # A cookie that is looked at and wrong is a refused credential; one that is not looked at is none.
    assert denials(opened, looked_at) == []
    assert denials(opened, ignored) == [("no-credential",)]


def test_what_the_archive_lost_leaves_the_index(opened: OpenGate) -> None:
    scope, uid = opened.installation.scope, opened.item.key.study_instance_uid
    assert opened.gate.index.studies(scope, MAIN, uid)
    opened.installation.archives.by_name[MAIN].delete(opened.item.key)

    async def handle(visit: Visit) -> Response:
        note_studies(visit.request, NamedStudy(scope, MAIN, uid))
        raise GoneError

    assert answered(opened, handle).status == 404
    assert not opened.gate.index.studies(scope, MAIN, uid)
