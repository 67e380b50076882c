"""Ends sessions whose certificates were revoked after they had begun: now and then, beside all requests.

Only revocation lists are asked.  They name certificates without being told which, so nothing has to be kept
of a certificate but its number.

Called by `background`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pacsgate.audit.events import Actor
from pacsgate.bootstrap.certificates import certificate_sources
from pacsgate.bootstrap.installation import Installation
from pacsgate.identity.certificates.source import CertificateSource
from pacsgate.ports import Clock, Directory
from pacsgate.services.administer_sessions import SessionAdministration
from pacsgate.services.administration import Change


@dataclass(frozen=True, slots=True)
class RevokedCards:
    """Looks for sessions of revoked certificates."""

    sources: Sequence[CertificateSource]
    directory: Directory
    sessions: SessionAdministration
    clock: Clock

    @classmethod
    def of(cls, installation: Installation) -> "RevokedCards":
        """For the authorities of an installation."""
        return cls(
            certificate_sources(installation),
            installation.stores.directory,
            SessionAdministration(installation.office),
            installation.clock,
        )

    def end_sessions(self) -> int:
        """End those that are going on; returns how many there were."""
        return sum(map(self._end_of, self.sources))

    def _end_of(self, source: CertificateSource) -> int:
        scope, name, now = source.policy.scope, source.policy.name, self.clock.now()
        begun = self.directory.sessions(scope, source=name)
        numbers = {record.source_session for record in begun if record.source_session is not None}
        if not numbers:
            return 0
        change = Change(scope, Actor(f"source:{name}", verified=True), now)
        return sum(
            self.sessions.end_of_source(change, name, source_session=number)
            for number in source.revoked(numbers, now)
        )
