"""Whoever presented a token to Orthanc: a user of the gate, or the holder of a link.

Called by `plugin_asking`, in a thread.

Invariants:
- a link stands for nobody in another archive than its own;
- nothing is told of somebody of another tenant than that of the plugin.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pacsgate.gateway.http.wiring import Gate
from pacsgate.identity.presented import read_presented
from pacsgate.identity.shares import LiveShare, ShareDoor, ShareText
from pacsgate.model.context import Context
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.policy.engine import Bound
from pacsgate.ports import Directory
from pacsgate.ports.shares import ShareRecord

VALIDITY_SECONDS = 10
"""For which the plugin may keep an answer: as long as it keeps some whatever it is told."""


@dataclass(frozen=True, slots=True)
class Presenter:
    """A subject, its policy in the archive, and the link if it came by one."""

    subject: Subject
    context: Context
    bound: Bound
    share: ShareRecord | None
    seconds: int
    """For which nothing about this can change by itself."""


@dataclass(frozen=True, slots=True)
class Presenters:
    """Finds out who presents what."""

    gate: Gate
    share_door: ShareDoor
    directory: Directory

    def of(
        self, presented: str, scope: TenantScope, archive: ArchiveName, asked: Context
    ) -> Presenter | None:
        """Who presents this; `None` for nobody, and for what is about to end."""
        credentials = read_presented(presented)
        # The plugin does not tell from where its client came: that is nowhere in particular.
        context = replace(asked, client_address=None, network=self.gate.settings.network_of(None))
        share: ShareRecord | None = None
        ends: datetime | None
        if isinstance(credentials, ShareText):
            live = self.share_door.verify(scope, credentials, context.now)
            if not isinstance(live, LiveShare) or live.record.archive != archive:
                return None
            subject, share, ends = live.subject, live.record, live.record.expires_at
        else:
            found = self.gate.authenticator.authenticate(credentials, context)
            if not isinstance(found, Subject):
                return None
            subject, ends = found, self._end_of_token(found)
        if subject.tenant != scope.tenant:
            return None
        bound = self.gate.policies.bind(scope, subject, context, archive)
        left = (bound.valid_until if ends is None else min(bound.valid_until, ends)) - context.now
        seconds = min(int(left / timedelta(seconds=1)), VALIDITY_SECONDS)
        return Presenter(subject, context, bound, share, seconds) if seconds >= 1 else None

    def _end_of_token(self, subject: Subject) -> datetime | None:
        found = None if subject.credential_id is None else self.directory.token(subject.credential_id)
        return None if found is None else found[1].expires_at
