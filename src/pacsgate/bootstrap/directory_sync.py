"""The nightly reconciliation of directories, each in a thread of its own.

A directory is listed when the gate starts, for somebody may have left meanwhile, and every day at its
time.  One that cannot be listed whole changes nothing, and is asked again after a while.

Called by `background`.

Invariants:
- a list goes through the same plan and the same guard as `pacsgate user sync`, and nobody forces it.
"""

from datetime import datetime
from threading import Event, Thread
from zoneinfo import ZoneInfo

import structlog

from pacsgate.audit.events import Actor
from pacsgate.bootstrap import people
from pacsgate.bootstrap.directories import account_list, speaks_of
from pacsgate.bootstrap.identity_sources import source_scopes
from pacsgate.bootstrap.installation import Installation
from pacsgate.config.ldap import LdapSyncSettings
from pacsgate.identity.ldap.schedule import Daily
from pacsgate.model.errors import PacsgateError
from pacsgate.services.administration import Change
from pacsgate.services.provision_accounts import Provisioning
from pacsgate.services.reconcile_accounts import SourceReconciliation

_log = structlog.get_logger("pacsgate.directory")

RETRY_SECONDS = 900.0
_STOP_SECONDS = 3.0


class DirectorySync:
    """The reconciliations of all directories that have a time of day for it."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._stop = Event()
        self._threads = [
            Thread(
                target=self._every_day,
                args=(directory.name, directory.sync),
                name=f"sync-{directory.name}",
                daemon=True,
            )
            for directory in installation.settings.identity.ldap
            if directory.sync is not None
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; what is being written is finished."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_STOP_SECONDS)

    def _every_day(self, name: str, when: LdapSyncSettings) -> None:
        daily = Daily(when.at, ZoneInfo(when.zone))
        clock = self._installation.clock
        while not self._stop.is_set():
            pause = RETRY_SECONDS
            try:
                sync_directory(self._installation, name, clock.now())
                now = clock.now()
                pause = (daily.after(now) - now).total_seconds()
            except PacsgateError as error:
                _log.error("directory not reconciled", source=name, error=error.public, detail=error.detail)
            except Exception:  # noqa: BLE001 - the outermost edge of a thread: the next night must come
                _log.exception("reconciliation of a directory broke", source=name)
            self._stop.wait(pause)


def sync_directory(installation: Installation, name: str, at: datetime) -> None:
    """Make the accounts of a directory what it says now.

    Raises `UnavailableError` when it cannot be listed, `ConflictError` when too many people would leave.
    """
    settings = installation.settings
    listed = list(account_list(settings, name).accounts())
    office = installation.office
    provisioning = Provisioning(office, people.users(installation), installation.stores.identity_links)
    reconciliation = SourceReconciliation(office, provisioning)
    scope = source_scopes(settings)[name]
    plan = reconciliation.plan(scope, name, listed, speaks_of=speaks_of(settings, name))
    change = Change(scope, Actor(f"source:{name}", verified=True), at)
    for failed in reconciliation.apply(change, plan):
        _log.warning("account not reconciled", source=name, account=failed.name, error=failed.why)
