"""The trail of an installation, for those who sign it and those who finish what it says has begun.

Called by `background` and `errands`.
"""

from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from pacsgate.audit.event_filter import EventFilter
from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.bootstrap.identity_sources import role_ceilings
from pacsgate.bootstrap.installation import Installation, trail_directory
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.identity.accounts import LocalAccounts
from pacsgate.model.context import Context
from pacsgate.model.errors import ArchiveError, TrailBroken
from pacsgate.model.resource import ArchiveName
from pacsgate.model.subject import SubjectKind
from pacsgate.ports.occurrences import OccurrenceKind
from pacsgate.services.arrivals import arrival
from pacsgate.services.reconcile import reconcile
from pacsgate.sinks.manifests import ManifestSigner
from pacsgate.sinks.signing_key import SigningKey
from pacsgate.sinks.trail_reader import read_trail

_log = structlog.get_logger("pacsgate.trail")

_LONGEST_STORE = timedelta(hours=24)
"""A store that was running when the gate last started began no earlier than this before."""


def manifest_signer(installation: Installation) -> ManifestSigner:
    """The signer of this installation's trail.  Raises `SettingsError` for a missing or exposed key."""
    settings = installation.settings
    key = SigningKey(settings.trail.manifest_key, data_directory=settings.data)
    return ManifestSigner(trail_directory(settings), key, installation.clock)


def finish_stores(installation: Installation) -> None:
    """Index what a crash kept from the index since the last start.

    An archive that cannot be asked now does not stop the start: the next one asks again.
    """
    mark = installation.settings.data / "reconciled"
    since = datetime.fromtimestamp(mark.stat().st_mtime, UTC) - _LONGEST_STORE if mark.exists() else None
    events = (
        entry.event for entry in read_trail(trail_directory(installation.settings), EventFilter(since=since))
    )
    try:
        found = reconcile(
            installation.tenant_archives.scope_of,
            events,
            installation.archives.by_name,
            installation.stores.index,
            installation.indexer,
            partial(_tell, installation),
        )
    except ArchiveError as error:
        _log.warning("unfinished stores could not be looked into", error=error.public)
        return
    except TrailBroken as broken:
        # Whoever can change a file of the trail must not thereby stop the hospital: it is served, loudly.
        _log.error("THE TRAIL WAS CHANGED", segment=broken.segment, position=broken.position)
        installation.trail.record(_tampered(installation, broken))
        return
    if found:
        _log.info("objects of unfinished stores were indexed", count=found)
    mark.touch()


def _tell(
    installation: Installation, begun: AuditEvent, archive: ArchiveName, summary: InstanceSummary
) -> None:
    """Tell of a study that arrived when the gate was killed, as who stored it then."""
    scope = installation.tenant_archives.scope_of(archive)
    now, accounts = (
        installation.clock.now(),
        LocalAccounts(installation.stores.directory, role_ceilings(installation.settings)),
    )
    found = (accounts.subject(scope, kind, begun.actor.name, now) for kind in SubjectKind)
    subject = next((each for each in found if each is not None), None)
    if subject is None:
        _log.warning("a study arrived from who has no account now, so nothing follows from it")
        return
    context = Context(now=now, request_id=begun.request_id or "")
    kind = OccurrenceKind.STUDY_ARRIVED
    installation.occurrences.happened(arrival(kind, scope, archive, subject, context, summary))


def _tampered(installation: Installation, broken: TrailBroken) -> AuditEvent:
    return AuditEvent(
        EventKind.TRAIL_TAMPERED,
        installation.clock.now(),
        Actor("pacsgate", verified=True),
        Outcome.MAJOR,
        tenant=installation.scope.tenant,
        details={"segment": broken.segment, "position": str(broken.position), "finding": broken.public},
    )
