"""The ways into an association: for each kind of evidence, how it is believed and whether it still holds.

Each `by_…` module has both halves beside each other: `admit` believes the evidence or says why not
(an `AuthenticationFailed` is on record already, a `Refusal` is not), `again` says what it is worth
now, counting nothing.  What they have in common is here.

Called by `door` and the `by_…` modules.
"""

from dataclasses import dataclass, field
from datetime import datetime

from pacsgate.identity.refusals import Cause, Refusal, what_bars
from pacsgate.identity.subjects import RoleCeilings, subject_of
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.claimed_names import recordable
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import Directory
from pacsgate.ports.associations import Requestor


@dataclass(frozen=True, slots=True)
class Asking:
    """One request to be let in, or to go on."""

    scope: TenantScope
    requestor: Requestor
    remote: RemoteAe | None
    """The entry of the calling title, if the caller is proven to be it."""
    context: Context
    now: datetime
    """The latest time ever seen, for expiries."""
    ceilings: RoleCeilings = field(default_factory=dict)

    def refusal(
        self, cause: Cause, credential: Credential, name: str | None = None, public_id: str | None = None
    ) -> Refusal:
        """A refusal, with as much of a claimed name as may go on record."""
        return Refusal(cause, credential, recordable(name), public_id, self.scope.tenant)


@dataclass(frozen=True, slots=True)
class Holding:
    """A subject that may go on, until `ends_at` at the latest unless something changes before."""

    subject: Subject
    ends_at: datetime | None = None


def account_subject(
    directory: Directory, asking: Asking, name: str, credential: Credential, public_id: str | None
) -> Subject | Cause:
    """The subject of a local account, unless nobody may come in as it."""
    user = directory.user(asking.scope, name)
    cause = what_bars(user, asking.now)
    if cause is not None or user is None:
        return cause or Cause.UNKNOWN_USER
    return subject_of(
        user,
        asking.scope.tenant,
        credential,
        credential_id=public_id,
        authenticated_at=asking.context.now,
        ceilings=asking.ceilings,
    )
