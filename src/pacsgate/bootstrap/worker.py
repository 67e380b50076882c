"""One HTTP worker process: serves the listening sockets until it is told to stop.

Called through `entrances`, in a process of its own.
"""

import asyncio
import contextlib
import multiprocessing
import signal
import socket
from collections.abc import Iterator, Sequence
from multiprocessing.synchronize import Event

import structlog
import uvicorn
import uvloop

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.bootstrap.collector import spare_the_collector
from pacsgate.bootstrap.gate import build_app, build_gate
from pacsgate.bootstrap.grace import GRACE_SECONDS
from pacsgate.bootstrap.heartbeat import Heartbeat
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.logs import configure_logs
from pacsgate.bootstrap.open_files import allow_open_files
from pacsgate.bootstrap.pacs_queue import queue_thread
from pacsgate.bootstrap.queue_thread import QueueThread
from pacsgate.bootstrap.refused_handshakes import RefusedHandshakes
from pacsgate.bootstrap.renewed_tls import RenewedContext
from pacsgate.bootstrap.server_tls import http_tls
from pacsgate.bootstrap.shadow_thread import ShadowThread
from pacsgate.bootstrap.upstream_security import insecure_upstreams
from pacsgate.config import Settings
from pacsgate.gateway.http import metrics
from pacsgate.gateway.http.bounded_head import HEAD_SECONDS, BoundedHeadProtocol
from pacsgate.gateway.http.wiring import Gate

_log = structlog.get_logger("pacsgate.worker")

_TICK_SECONDS = 1.0
_COUNTS_SECONDS = 3.0


class TlsServer(uvicorn.Server):
    """Leaves signals to `run_worker`, which has more to do at a stop than the server knows.

    Each listener has its own TLS, or none; `config.ssl` is one context for all.
    """

    def __init__(self, config: uvicorn.Config, tls: Sequence[RenewedContext | None]) -> None:
        super().__init__(config)
        self._tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on every socket."""
        await super().startup(sockets=[])
        if not self.should_exit:
            loop = asyncio.get_running_loop()
            for listening, tls in zip(sockets or (), self._tls, strict=True):
                seconds = None if tls is None else HEAD_SECONDS
                self.servers.append(
                    await loop.create_server(
                        self._protocol,
                        sock=listening,
                        ssl=tls,
                        backlog=self.config.backlog,
                        ssl_handshake_timeout=seconds,
                    )
                )

    def _protocol(self) -> asyncio.Protocol:
        return BoundedHeadProtocol(self.config, self.server_state, self.lifespan.state)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def run_worker(settings: Settings, sockets: Sequence[socket.socket], number: int, ready: Event) -> None:
    """Serve until SIGTERM; then finish what runs, close access windows and the trail."""
    configure_logs()
    allow_open_files()
    uvloop.install()
    metrics.INSECURE_UPSTREAMS.set(len(insecure_upstreams(settings)))
    with open_installation(settings, f"http-{number}") as installation, installation.stores.epochs.watched():
        _record(installation, EventKind.APPLICATION_STARTED)
        gate = build_gate(installation)
        spare_the_collector()
        shadow = ShadowThread(gate.shadow, installation.clock, _log.warning)
        shadow.start()
        queue = queue_thread(installation, gate, _log.warning)
        asyncio.run(_serve(installation, gate, queue, sockets, ready))
        queue.stop()
        shadow.stop()
        gate.windows.close()
        _record(installation, EventKind.APPLICATION_STOPPED)


async def _serve(
    installation: Installation,
    gate: Gate,
    queue: QueueThread,
    sockets: Sequence[socket.socket],
    ready: Event,
) -> None:
    carried_by = RefusedHandshakes(installation.trail, installation.clock).watched()
    contexts = [
        None if tls is None else RenewedContext(tls, carried_by=carried_by)
        for tls in http_tls(installation.settings)
    ]
    heart = Heartbeat.of(installation.settings, installation.clock)
    addresses = [listener.getsockname()[:2] for listener in sockets]
    config = uvicorn.Config(
        build_app(installation, gate, addresses, heart.problems),
        ws="none",  # nothing here speaks WebSocket
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # forwarded addresses are read by `client_address`, from trusted proxies only
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=30,
    )
    server = TlsServer(config, contexts)
    loop = asyncio.get_running_loop()

    queue.start(loop)

    def stop() -> None:
        server.should_exit = True
        gate.waiters.close()

    def orphaned(sentinel: int) -> None:
        loop.remove_reader(sentinel)
        stop()

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop)
    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        # Killed, it could not ask: workers that outlive it would keep its ports from its successor.
        loop.add_reader(supervisor.sentinel, orphaned, supervisor.sentinel)
    ticking = asyncio.create_task(_tick(gate, [context for context in contexts if context is not None]))
    counting = asyncio.create_task(_write_counts(installation))
    serving = asyncio.create_task(server.serve(sockets=list(sockets)))
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    ready.set()
    await serving
    ticking.cancel()
    counting.cancel()
    await installation.archives.aclose()


async def _tick(gate: Gate, contexts: Sequence[RenewedContext]) -> None:
    while True:
        await asyncio.sleep(_TICK_SECONDS)
        gate.windows.tick()
        for context in contexts:
            context.newest()


async def _write_counts(installation: Installation) -> None:
    while True:
        await asyncio.sleep(_COUNTS_SECONDS)
        try:
            await asyncio.to_thread(installation.calls.write)
        except Exception:  # noqa: BLE001 - the outermost edge of a task: what is counted is kept for later
            _log.warning("calls are not counted yet", exc_info=True)


def _record(installation: Installation, kind: EventKind) -> None:
    actor = Actor("pacsgate", verified=True)
    installation.trail.record(AuditEvent(kind, installation.clock.now(), actor))
