"""The background process: policy files, outbox, manifests, sweeps, and beside them crawls and feeds.

One job after another, each on its own beat.  A job that fails is logged and
tried again at its next beat; none of them can loosen anything.

Called by `supervisor`, in a process of its own.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from threading import Event as Stop

import structlog

from pacsgate.bootstrap.crawls import Crawls
from pacsgate.bootstrap.directory_sync import DirectorySync
from pacsgate.bootstrap.feeds import Feeds
from pacsgate.bootstrap.filter_jobs import FilterJobs
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.logs import configure_logs
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.bootstrap.trail import manifest_signer
from pacsgate.config import Settings
from pacsgate.identity import lockout, sessions, shared_credentials, shares
from pacsgate.model.errors import PacsgateError
from pacsgate.services.deliver_outbox import deliver_outbox

_log = structlog.get_logger("pacsgate.background")

POLICY_SECONDS = 0.5
OUTBOX_SECONDS = 1.0
MANIFEST_SECONDS = 60.0
SWEEP_SECONDS = 600.0


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
        ready.set()
        while not stop.is_set() and _has_supervisor():
            now = time.monotonic()
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


def _has_supervisor() -> bool:
    """Whether the process that started this one still lives; killed, it could not ask this one to stop."""
    supervisor = multiprocessing.parent_process()
    return supervisor is None or supervisor.is_alive()


def _jobs(installation: Installation, sign: Callable[[], object]) -> list[_Job]:
    watch = PolicyWatch(installation)
    return [
        _Job("policy files", POLICY_SECONDS, watch.tick),
        _Job(
            "outbox", OUTBOX_SECONDS, lambda: deliver_outbox(installation.stores.outbox, installation.trail)
        ),
        _Job("manifest", MANIFEST_SECONDS, sign),
        _Job("sweep", SWEEP_SECONDS, lambda: _sweep(installation)),
    ]


def _sweep(installation: Installation) -> None:
    """Forget what failed sign-ins, ended sessions, links and unanswered challenges have left behind."""
    directory, scope, now = installation.stores.directory, installation.scope, installation.clock.now()
    lockout.sweep(directory, scope, now)
    sessions.sweep(directory, scope, now)
    installation.stores.challenges.forget_challenges(scope, now)
    shares.sweep(installation.stores.shares, scope, now)
    shared_credentials.sweep(installation.stores.sightings, scope, now)


def _run(job: _Job) -> None:
    try:
        job.work()
    except PacsgateError as error:
        _log.error("background job failed", job=job.name, error=error.public, detail=error.detail)
    except Exception:  # noqa: BLE001 - the outermost edge of a job: the others must go on
        _log.exception("background job broke", job=job.name)
