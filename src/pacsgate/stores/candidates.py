"""Policy revisions that are not live, and what was counted of the one in the shadow.

Called by `services` through `ports.CandidateStore`, and by `revisions`.

Invariants:
- counts are those of the revision that is in the shadow now.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from pacsgate.audit.events import AuditEvent
from pacsgate.model.actions import Action
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports.candidates import Candidate, PendingRevision, ShadowDifference, ShadowReport
from pacsgate.stores.changes import Topic, change
from pacsgate.stores.database import Database
from pacsgate.stores.schema import AnyRow, policy_candidate, shadow_difference
from pacsgate.stores.storable import storable_text

_PENDING = "pending"
_SHADOW = "shadow"
_COMPARED = "(compared)"
_PASSED_OVER = "(passed over)"
"""Rows that count requests, under names that no subject has."""
_TALLIES = (_COMPARED, _PASSED_OVER)

_sources = msgspec.msgpack.Decoder(dict[str, str])


class SqlCandidates:
    """`ports.CandidateStore` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(self, scope: TenantScope) -> PendingRevision | None:
        """The revision that waits for approval."""
        row = self._candidate(scope, _PENDING)
        if row is None:
            return None
        sources = _sources.decode(row.sources)
        return PendingRevision(
            row.revision, sources, row.submitted_at, row.submitted_by, row.gained, row.lost
        )

    def hold(self, scope: TenantScope, revision: PendingRevision, event: AuditEvent) -> None:
        """Let a revision wait, in place of any other."""
        with change(self._database, scope.tenant, Topic.POLICY, event) as connection:
            _replace(connection, scope, _PENDING, revision, revision.gained, revision.lost)

    def release(self, scope: TenantScope, event: AuditEvent) -> None:
        """Let nothing wait any more."""
        with change(self._database, scope.tenant, Topic.POLICY, event) as connection:
            _replace(connection, scope, _PENDING, None)

    def shadow(self, scope: TenantScope) -> Candidate | None:
        """The revision that runs in the shadow."""
        row = self._candidate(scope, _SHADOW)
        if row is None:
            return None
        return Candidate(row.revision, _sources.decode(row.sources), row.submitted_at, row.submitted_by)

    def cast_shadow(self, scope: TenantScope, revision: Candidate | None, event: AuditEvent) -> None:
        """Run another in the shadow, or none; nothing is counted of it yet."""
        with change(self._database, scope.tenant, Topic.POLICY, event) as connection:
            _replace(connection, scope, _SHADOW, revision)
            connection.execute(delete(shadow_difference).where(shadow_difference.c.tenant == scope.tenant))

    def note_shadow(
        self,
        scope: TenantScope,
        revision: str,
        *,
        compared: int,
        passed_over: int,
        differences: Sequence[ShadowDifference],
    ) -> None:
        """Add to what was counted, unless another revision is in the shadow by now."""
        with self._database.writing(scope.tenant) as connection:
            current = connection.execute(
                select(policy_candidate.c.revision).where(
                    policy_candidate.c.tenant == scope.tenant, policy_candidate.c.purpose == _SHADOW
                )
            ).scalar()
            if current != revision:
                return
            for name, requests in ((_COMPARED, compared), (_PASSED_OVER, passed_over)):
                _add(connection, scope, _tally(name), {"requests": requests, "study_instance_uid": ""})
            for each in differences:
                key = {
                    "subject": storable_text(each.subject),
                    "archive": each.archive,
                    "action": each.action.value,
                    "live": each.live,
                    "shadow": each.shadow,
                }
                sample = {
                    "requests": each.requests,
                    "study_instance_uid": storable_text(each.study_instance_uid or ""),
                    "last_at": each.last_at,
                }
                _add(connection, scope, key, sample)

    def shadow_report(self, scope: TenantScope, limit: int) -> ShadowReport:
        """What was counted of the revision in the shadow."""
        table = shadow_difference.c
        here = (table.tenant == scope.tenant) & table.subject.not_in(_TALLIES)
        with self._database.reading(scope.tenant) as connection:
            counted = connection.execute(
                select(table.subject, table.requests).where(
                    table.tenant == scope.tenant, table.subject.in_(_TALLIES)
                )
            )
            tallies = {name: int(requests) for name, requests in counted}
            differing = connection.execute(select(func.sum(table.requests)).where(here)).scalar() or 0
            rows = connection.execute(
                select(shadow_difference)
                .where(here)
                .order_by(table.requests.desc(), table.last_at.desc())
                .limit(limit)
            )
            differences = tuple(map(_difference, rows))
        return ShadowReport(
            tallies.get(_COMPARED, 0), tallies.get(_PASSED_OVER, 0), int(differing), differences
        )

    def _candidate(self, scope: TenantScope, purpose: str) -> AnyRow | None:
        with self._database.reading(scope.tenant) as connection:
            return connection.execute(
                select(policy_candidate).where(
                    policy_candidate.c.tenant == scope.tenant, policy_candidate.c.purpose == purpose
                )
            ).first()


def waiting(connection: Connection, scope: TenantScope) -> str | None:
    """Which revision waits for approval, within a transaction."""
    table = policy_candidate.c
    here = (table.tenant == scope.tenant) & (table.purpose == _PENDING)
    found: str | None = connection.execute(select(table.revision).where(here)).scalar()
    return found


def clear_waiting(connection: Connection, scope: TenantScope) -> None:
    """Let nothing wait any more, within a transaction."""
    _replace(connection, scope, _PENDING, None)


def _replace(
    connection: Connection,
    scope: TenantScope,
    purpose: str,
    candidate: Candidate | None,
    gained: int = 0,
    lost: int = 0,
) -> None:
    connection.execute(
        delete(policy_candidate).where(
            policy_candidate.c.tenant == scope.tenant, policy_candidate.c.purpose == purpose
        )
    )
    if candidate is not None:
        connection.execute(
            insert(policy_candidate).values(
                tenant=scope.tenant,
                purpose=purpose,
                revision=candidate.revision,
                sources=msgspec.msgpack.encode(dict(candidate.sources)),
                submitted_at=candidate.submitted_at,
                submitted_by=candidate.submitted_by,
                gained=gained,
                lost=lost,
            )
        )


def _tally(name: str) -> dict[str, str]:
    return {"subject": name, "archive": "", "action": "", "live": "", "shadow": ""}


def _add(connection: Connection, scope: TenantScope, key: dict[str, str], sample: dict[str, object]) -> None:
    """Add to one count; writers take turns, so a row that is not there is made here."""
    table = shadow_difference.c
    here = [table.tenant == scope.tenant, *(table[name] == value for name, value in key.items())]
    added = {**sample, "requests": table.requests + sample["requests"]}
    if connection.execute(update(shadow_difference).where(*here).values(added)).rowcount == 0:
        connection.execute(insert(shadow_difference).values({"tenant": scope.tenant, **key, **sample}))


def _difference(row: AnyRow) -> ShadowDifference:
    return ShadowDifference(
        subject=row.subject,
        archive=ArchiveName(row.archive),
        action=Action(row.action),
        live=row.live,
        shadow=row.shadow,
        requests=row.requests,
        study_instance_uid=row.study_instance_uid or None,
        last_at=row.last_at,
    )
