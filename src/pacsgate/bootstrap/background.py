"""The background process: policy files, outbox, manifests, sweeps, and beside them crawls and feeds.

One job after another, each on its own beat.  A job that fails is logged and
tried again at its next beat; none of them can loosen anything.

Called through `entrances`, in a process of its own.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.synchronize import Event
from threading import Event as Stop

import structlog

from pacsgate.bootstrap.crawls import Crawls
from pacsgate.bootstrap.directory_sync import DirectorySync
from pacsgate.bootstrap.executors import end_visits
from pacsgate.bootstrap.feeds import Feeds
from pacsgate.bootstrap.filter_jobs import FilterJobs
from pacsgate.bootstrap.heartbeat import Heartbeat
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.logs import configure_logs
from pacsgate.bootstrap.pacs_queue import QueueDesk, queue_desk
from pacsgate.bootstrap.policies import PolicyWatches
from pacsgate.bootstrap.revoked_cards import RevokedCards
from pacsgate.bootstrap.trail import manifest_signer
from pacsgate.config import Settings
from pacsgate.identity import lockout, sessions, shared_credentials, shares
from pacsgate.model.errors import PacsgateError
from pacsgate.services.deliver_outbox import deliver_outbox
from pacsgate.services.take_reports import silence

_log = structlog.get_logger("pacsgate.background")

POLICY_SECONDS = 0.5
OUTBOX_SECONDS = 1.0
QUEUE_SECONDS = 1.0
VISITS_SECONDS = 0.5
"""A visit that is over ends by its grants at once; that somebody is checked out follows."""
CARDS_SECONDS = 15.0
MANIFEST_SECONDS = 60.0
SWEEP_SECONDS = 600.0
SILENCE_SECONDS = 1.0


@dataclass(slots=True)
class _Job:
    name: str
    every_seconds: float
    work: Callable[[], object]
    due: float = 0.0


def run_background(settings: Settings, ready: Event) -> None:
    """Do the jobs until SIGTERM; then sign a last manifest."""
    configure_logs()
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    with open_installation(settings, "background") as installation:
        signer = manifest_signer(installation)
        jobs = _jobs(installation, signer.tick)
        crawls = Crawls(installation)
        crawls.start()
        feeds = Feeds(installation)
        feeds.start()
        filters = FilterJobs(installation)
        filters.start()
        directories = DirectorySync(installation)
        directories.start()
        heart = Heartbeat.of(settings, installation.clock)
        _beat(heart)
        ready.set()
        while not stop.is_set() and _has_supervisor():
            now = time.monotonic()
            _beat(heart)
            for job in jobs:
                if now >= job.due:
                    job.due = now + job.every_seconds
                    _run(job)
            stop.wait(0.1)
        crawls.stop()
        feeds.stop()
        filters.stop()
        directories.stop()
        signer.tick()


def _beat(heart: Heartbeat) -> None:
    """Say that this process is at work; where that cannot be said, workers say that it is not."""
    try:
        heart.beat()
    except OSError as error:
        _log.error("the heartbeat cannot be left in the data directory", error=error.strerror)


def _has_supervisor() -> bool:
    """Whether the process that started this one still lives; killed, it could not ask this one to stop."""
    supervisor = multiprocessing.parent_process()
    return supervisor is None or supervisor.is_alive()


def _jobs(installation: Installation, sign: Callable[[], object]) -> list[_Job]:
    watches = PolicyWatches(installation)
    queue = queue_desk(installation)
    cards = cache(partial(RevokedCards.of, installation))  # lists that cannot be read now may be later
    return [
        _Job("policy files", POLICY_SECONDS, watches.tick),
        _Job(
            "outbox", OUTBOX_SECONDS, lambda: deliver_outbox(installation.stores.outbox, installation.trail)
        ),
        _Job("manifest", MANIFEST_SECONDS, sign),
        _Job("sweep", SWEEP_SECONDS, lambda: _sweep(installation)),
        _Job("queue", QUEUE_SECONDS, lambda: _tend_queue(queue)),
        _Job("ended messages", SWEEP_SECONDS, queue.overdue.forget),
        _Job("visits", VISITS_SECONDS, lambda: end_visits(installation)),
        _Job("revoked cards", CARDS_SECONDS, lambda: cards().end_sessions()),
        _Job("silent agents", SILENCE_SECONDS, lambda: _note_silence(installation)),
    ]


def _tend_queue(queue: QueueDesk) -> None:
    """End what is overdue, and carry out what a process that died has left of the gate's own."""
    queue.overdue.of_all()
    queue.here.drain_all()


def _note_silence(installation: Installation) -> None:
    """Believe nothing any more that agents have told who are not heard of."""
    for tenant, pacs in silence(installation.stores.reports, installation.clock.now()):
        _log.warning("agent silent: nobody knows who is where", tenant=tenant, pacs=pacs)


def _sweep(installation: Installation) -> None:
    """Forget what failed sign-ins, ended sessions, links and unanswered challenges have left behind."""
    stores, now = installation.stores, installation.clock.now()
    for scope in installation.scopes():
        lockout.sweep(stores.directory, scope, now)
        sessions.sweep(stores.directory, scope, now)
        stores.directory.forget_access_tokens(scope, now)
        stores.challenges.forget_challenges(scope, now)
        shares.sweep(stores.shares, scope, now)
        shared_credentials.sweep(stores.sightings, scope, now)


def _run(job: _Job) -> None:
    try:
        job.work()
    except PacsgateError as error:
        _log.error("background job failed", job=job.name, error=error.public, detail=error.detail)
    except Exception:  # noqa: BLE001 - the outermost edge of a job: the others must go on
        _log.exception("background job broke", job=job.name)
