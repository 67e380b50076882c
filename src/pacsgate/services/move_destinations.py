"""Where a C-MOVE may send to: application entities that somebody vouches for, and whom they stand for.

A title in a request is looked up among the entries of `pacsgate device`.  An entry is a
destination while it is valid, has an address and an owner.  What may be sent to it is what
its account may retrieve, asked as if it were calling itself from its own address.

Called by the DICOM door; calls the engine.

Invariants:
- an entry without an account receives nothing that somebody else asks for;
- who sends to "itself" has shown to be the one that listens there: a calling AE title alone shows nothing.

Standard: PS3.4 C.4.2.1.1.2 (Move Destination).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.context import Context
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.model.subject import SubjectKind
from pacsgate.policy.engine import Bound
from pacsgate.ports import Accounts
from pacsgate.ports.application_entities import ApplicationEntities
from pacsgate.ports.associations import Admitted
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.other_subjects import TREATMENT


@dataclass(frozen=True, slots=True)
class MoveDestinations:
    """The destinations of one tenant's requesters."""

    entities: ApplicationEntities
    accounts: Accounts
    policies: LivePolicy
    network_of: Callable[[str | None], str]
    """The zone of an address."""

    def find(self, scope: TenantScope, ae_title: str, context: Context) -> RemoteAe | None:
        """The destination of this title; `None` if there is none that counts now."""
        remote = self.entities.remote_ae(scope, ae_title)
        if remote is None or not remote.is_valid(context.now) or not remote.owner:
            return None
        return None if remote.host is None or remote.port is None else remote

    def bind(
        self, scope: TenantScope, remote: RemoteAe, context: Context, archive: ArchiveName
    ) -> Bound | None:
        """What the live policy says about a destination's account; `None` if it stands for nobody."""
        if remote.account is None:
            return None
        for kind in SubjectKind:
            subject = self.accounts.subject(scope, kind, remote.account, context.now)
            if subject is not None:
                itself = replace(
                    context,
                    client_address=remote.host,
                    network=self.network_of(remote.host),
                    calling_ae_title=remote.ae_title,
                    purpose=TREATMENT,
                    reason=None,
                    risk=None,
                )
                return self.policies.bind_once(scope, subject, itself, archive)
        return None


def is_requestor(remote: RemoteAe, admitted: Admitted) -> bool:
    """Whether the destination is the one that asks, whose network or certificate was proven then."""
    return admitted.remote is not None and admitted.remote.ae_title == remote.ae_title
