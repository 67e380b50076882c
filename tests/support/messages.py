"""HL7 messages for tests, and a door that takes them in this process."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pacsgate.bootstrap.hl7 import reception
from pacsgate.bootstrap.installation import Installation
from pacsgate.gateway.hl7.listener import Listening, MllpDoor
from pacsgate.gateway.hl7.senders import Sender


def message(kind: str, *segments: str, control_id: str = "M1", version: str = "2.5.1") -> bytes:
    header = f"MSH|^~\\&|RIS|HOSP|GATE|HOSP|20261122||{kind}|{control_id}|P|{version}"
    return "".join(f"{segment}\r" for segment in (header, *segments)).encode("utf-8")


def order(patient: str, study: str, control_id: str = "M1") -> bytes:
    return message(
        "ORM^O01",
        f"PID|||{patient}",
        "ORC|NW|A1",
        "OBR|1|A1||CT1",
        f"ZDS|{study}^Application^DICOM",
        control_id=control_id,
    )


@contextmanager
def mllp_door(
    installation: Installation, *senders: Sender, tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """The port of a listener that takes messages from these senders."""
    listener = socket.create_server(("127.0.0.1", 0))
    port: int = listener.getsockname()[1]
    started = threading.Event()
    stopping: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        stop = asyncio.Event()
        stopping.append((asyncio.get_running_loop(), stop))
        started.set()
        await MllpDoor(reception(installation)).serve([Listening(listener, tls, senders)], stop)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        started.wait(5)
        yield port
    finally:
        loop, stop = stopping[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive()
