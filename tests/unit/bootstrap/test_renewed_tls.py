"""Certificates of listeners are renewed without a restart; what cannot be used changes nothing."""

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from pacsgate.audit.events import EventKind
from pacsgate.bootstrap.refused_handshakes import RefusedHandshakes
from pacsgate.bootstrap.renewed_tls import RenewedContext
from pacsgate.bootstrap.server_tls import ServerTls
from pacsgate.bootstrap.worker import TlsServer
from pacsgate.config.tls import ClientCertificate
from pacsgate.gateway.http.bounded_head import PEER_CERTIFICATE
from pacsgate.model.errors import SettingsError
from tests.support.clocks import HandClock
from tests.support.tls import CertificateAuthority
from tests.support.trails import ListTrail


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


def listener(authority: CertificateAuthority) -> ServerTls:
    return ServerTls("http 8443", *authority.issue("127.0.0.1"))


@contextmanager
def serving(context: ssl.SSLContext) -> Iterator[int]:
    """A server with threads, as the DICOM door is one."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def shown(port: int) -> str:
    """The certificate that a new connection is shown."""
    return ssl.get_server_certificate(("127.0.0.1", port))


def test_a_renewed_certificate_is_shown_to_whoever_connects_next(authority: CertificateAuthority) -> None:
    clock, tls = HandClock(), listener(authority)
    context = RenewedContext(tls, monotonic=clock.monotonic)
    with serving(context) as port:
        before = shown(port)
        assert before == tls.certificate.read_text("ascii")
        authority.issue("127.0.0.1")
        assert shown(port) == before, "files are looked at once a second"
        clock.advance(seconds=1)
        assert shown(port) == tls.certificate.read_text("ascii") != before


@pytest.mark.parametrize("half", ["certificate", "key", "nonsense", "missing"])
def test_a_pair_that_does_not_fit_leaves_the_last_good_one(
    authority: CertificateAuthority, half: str
) -> None:
    clock, tls = HandClock(), listener(authority)
    context = RenewedContext(tls, monotonic=clock.monotonic)
    before = {each: each.read_bytes() for each in (tls.certificate, tls.key)}
    authority.issue("127.0.0.1")
    after = {each: each.read_bytes() for each in (tls.certificate, tls.key)}
    match half:
        case "certificate":
            tls.key.write_bytes(before[tls.key])
        case "key":
            tls.certificate.write_bytes(before[tls.certificate])
        case "nonsense":
            tls.certificate.write_text("-----BEGIN", "ascii")
        case _:
            tls.key.unlink()
    with serving(context) as port:
        clock.advance(seconds=1)
        assert shown(port) == before[tls.certificate].decode("ascii")
        assert context.problem is not None
        assert str(tls.certificate) in context.problem
        for each, content in after.items():
            each.write_bytes(content)
        clock.advance(seconds=1)
        assert shown(port) == after[tls.certificate].decode("ascii")
        assert context.problem is None


def test_a_listener_begins_with_a_pair_that_fits(authority: CertificateAuthority) -> None:
    tls = listener(authority)
    other, _ = authority.issue("localhost")
    with pytest.raises(SettingsError, match="cannot use certificate"):
        RenewedContext(replace(tls, certificate=other))


def test_a_key_with_a_password_asks_nobody_at_a_terminal(authority: CertificateAuthority) -> None:
    tls = listener(authority)
    command = ["openssl", "ec", "-in", str(tls.key), "-aes128", "-passout", "pass:x", "-out", str(tls.key)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(SettingsError, match="password"):
        RenewedContext(tls)


async def _answers(scope: Scope, receive: Receive, send: Send) -> None:
    """Says who asks, and how."""
    if scope["type"] == "http":
        body = f"{scope['scheme']} {len(scope.get(PEER_CERTIFICATE) or b'')}".encode("ascii")
        length = (b"content-length", str(len(body)).encode("ascii"))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})
    else:
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def https(tls: RenewedContext) -> AsyncIterator[tuple[int, int]]:
    """A worker's server with a listener with TLS and a plain one."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    server = TlsServer(uvicorn.Config(_answers, log_config=None, ws="none"), [tls, None])
    running = asyncio.create_task(server.serve(sockets=list(sockets)))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    yield sockets[0].getsockname()[1], sockets[1].getsockname()[1]
    server.should_exit = True
    await running


async def get(port: int, trust: ssl.SSLContext | None) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust)
    writer.write(b"GET / HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.rpartition(b"\r\n\r\n")[2]


async def openssl(port: int, *options: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    return (await process.communicate())[0]


def test_e11_each_listener_has_its_own_tls_and_nothing_old_is_spoken(authority: CertificateAuthority) -> None:
    """E11: `openssl s_client -tls1_1` fails; the suites are within PS3.15 B.13; plain stays plain."""
    asks = replace(
        listener(authority), client_certificate=ClientCertificate.OPTIONAL, authorities=(authority.ca_file,)
    )
    card = authority.card("anna")
    nobody = ssl.create_default_context(cafile=authority.ca_file)
    anna = ssl.create_default_context(cafile=authority.ca_file)
    anna.load_cert_chain(*card.files)

    async def scenario() -> None:
        async with https(RenewedContext(asks)) as (secure, plain):
            assert await get(secure, nobody) == b"https 0"
            assert await get(secure, anna) == f"https {len(card.der)}".encode("ascii")
            assert await get(plain, None) == b"http 0"
            weakest = ("-cipher", "ALL:@SECLEVEL=0")
            for version in ("-tls1", "-tls1_1"):
                assert b"Cipher is (NONE)" in await openssl(secure, version, *weakest)
            for version, suite in (
                ("-tls1_2", b"ECDHE-ECDSA-AES256-GCM-SHA384"),
                ("-tls1_3", b"TLS_AES_256_GCM"),
            ):
                assert b"Cipher is " + suite in await openssl(secure, version, *weakest)
            for weak in ("AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-CAMELLIA256-SHA384"):
                assert b"Cipher is (NONE)" in await openssl(
                    secure, "-tls1_2", "-cipher", f"{weak}:@SECLEVEL=0"
                )

    uvloop.run(scenario())


def test_m3_certificates_that_end_the_handshake_are_on_record(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    """M3: expired, and of a stranger: 110126, once a minute for each cause."""
    asks = replace(
        listener(authority), client_certificate=ClientCertificate.OPTIONAL, authorities=(authority.ca_file,)
    )
    day = timedelta(days=1)
    expired = authority.card("anna", valid=(authority.now - 2 * day, authority.now - day))
    stranger = CertificateAuthority(tmp_path / "strangers").card("anna")
    trail = ListTrail()
    carried_by = RefusedHandshakes(trail, HandClock()).watched()

    async def scenario() -> None:
        async with https(RenewedContext(asks, carried_by=carried_by)) as (secure, _):
            for card in (expired, expired, stranger):
                trust = ssl.create_default_context(cafile=authority.ca_file)
                trust.maximum_version = ssl.TLSVersion.TLSv1_2  # in 1.3 a client learns of it only later
                trust.load_cert_chain(*card.files)
                with pytest.raises(OSError):
                    await get(secure, trust)

    uvloop.run(scenario())
    causes = [event.details["cause"] for event in trail.events]
    assert causes == ["certificate has expired", "unable to get local issuer certificate"]
    assert {event.kind for event in trail.events} == {EventKind.CERTIFICATE_REFUSED}
