"""The installation beside the agent as a PACS: its people, its policy, and how much its index holds.

People, credentials, visits and access units are the business of the installation's own executor, the very
one that the gate uses for its own archives.  Here are the policy, and what there is to report.

Made by `bootstrap.agents`.

Invariants:
- what is reported of an archive names no patient and no study: it counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import msgspec

from pacsgate.audit.events import Actor
from pacsgate.model.access import PacsPlace
from pacsgate.model.errors import ConflictError, PolicyError
from pacsgate.model.permission import Permission
from pacsgate.model.site_events import INDEX_COUNTED, POLICY_ACTIVATED
from pacsgate.ports import Clock, StudyIndex
from pacsgate.ports.access import AccessStore
from pacsgate.ports.pacs_adapters import Command, Outcome, PacsAdapter, PacsEvent, PacsFeatures
from pacsgate.ports.site import Happening, SiteSpool
from pacsgate.services.publish_policy import PublishPolicy

BY_AGENT = "agent"
_LOOK_SECONDS = 5.0
_AT_ONCE = 100
_COUNTED, _REVISION = "index-counted", "policy-revision"

_FileName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]


class _PolicyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sources of a policy, by file name."""

    sources: Annotated[dict[_FileName, str], msgspec.Meta(min_length=1, max_length=100)]


@dataclass(slots=True)
class ArchiveAdapter:
    """`ports.pacs_adapters.PacsAdapter` for one archive of a local installation."""

    place: PacsPlace
    """What the gate calls it."""
    local: PacsPlace
    """What the installation calls it."""
    executor: PacsAdapter
    access: AccessStore
    publisher: PublishPolicy
    index: StudyIndex
    revision: Callable[[], str]
    spool: SiteSpool
    clock: Clock
    _looked: float = field(default=float("-inf"), init=False)

    def features(self) -> PacsFeatures:
        """What the executor can do, and to publish a policy."""
        can = self.executor.features()
        return PacsFeatures(can.features | {Permission.POLICY_PUBLISH.value}, can.constraints)

    def execute(self, command: Command) -> Outcome:
        """Carry out a command, under the names that the installation uses."""
        here = replace(command, tenant=self.local.tenant, pacs=self.local.pacs)
        if command.operation != Permission.POLICY_PUBLISH:
            return self.executor.execute(here)
        known = self.access.executed(self.local, command.message_id)
        if known is not None:
            return known
        outcome = self._publish(here)
        self.access.note_executed(self.local, command.message_id, outcome, self.clock.now())
        return outcome

    def events(self, after: str | None) -> Sequence[PacsEvent]:
        """How the index and the policy have changed."""
        now = self.clock.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._look()
            self._looked = now
        return self.spool.events(self.place, after, _AT_ONCE)

    def close(self) -> None:
        """Close the executor."""
        self.executor.close()

    def _publish(self, command: Command) -> Outcome:
        try:
            body = msgspec.convert(command.body, _PolicyBody, strict=True)
        except msgspec.ValidationError:
            return _refused(400, 'send `{"sources": {"policy.yaml": "…"}}`')
        actor = Actor(command.requested_by, verified=False, credential=BY_AGENT)
        try:
            published = self.publisher.publish(self.local.scope, body.sources, actor)
        except PolicyError as problem:
            return _refused(400, problem.public)
        except ConflictError as problem:
            return _refused(409, problem.public)
        told = {"revision": published.policy.revision, "live": published.pending is None}
        return Outcome(200 if published.pending is None else 202, told)

    def _look(self) -> None:
        studies, series, instances = self.index.counts(self.local.scope, self.local.pacs)
        counted = {"studies": str(studies), "series": str(series), "instances": str(instances)}
        self._report(_COUNTED, INDEX_COUNTED, counted)
        self._report(_REVISION, POLICY_ACTIVATED, {"revision": self.revision()})

    def _report(self, cursor: str, kind: str, details: Mapping[str, str]) -> None:
        """Report something if it is not as it was last reported."""
        stands = " ".join(details.values())
        if self.spool.cursor(self.place, cursor) == stands:
            return
        self.spool.add_event(self.place, Happening(kind, self.clock.now(), details=details))
        self.spool.set_cursor(self.place, cursor, stands)


def _refused(status: int, message: str) -> Outcome:
    return Outcome(status, {"error": "bad request" if status == 400 else "conflict", "message": message})
