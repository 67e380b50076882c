"""The sealed credential: one account that lets somebody in when nothing else does, once, with an alarm.

It is an account of the gate itself, so that it works while directory and identity provider are down.  Its
code is long, printed once and kept as a hash; whoever types it at the sign-in page uses it up, and the
alarm is on record in the same transaction.  Whether it was used or only its envelope opened, two orders
make a new one: the old is declared void, and another is sealed.

No second factor is asked of it, because a lost factor is among the reasons to need it; everything else
(lockout, locks, validity, limits of its session, the record) holds for it as for anybody.

Called by the command line, on the machine itself.

Standard: HIPAA 164.312(a)(2)(ii) (emergency access procedure); PS3.16 CID 401 (110127); OWASP ASVS 5.0 6.1.3.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from pacsgate.audit.events import EventKind
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Assignment
from pacsgate.model.subject import EMERGENCY
from pacsgate.ports import Passwords, UserRecord
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office, words
from pacsgate.services.paper_codes import paper_code

NAME = "emergency"

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""None that is taken for another when it is read from paper; each is worth five bits."""
_GROUPS, _GROUP_LETTERS = 6, 5


class SealState(StrEnum):
    """What has become of the sealed credential."""

    NONE = "none"
    SEALED = "sealed"
    USED = "used"


@dataclass(frozen=True, slots=True)
class SealedCredential:
    """What belongs into the envelope, shown once."""

    name: str
    code: str


class EmergencyAccess:
    """Seals and voids the credential."""

    def __init__(self, office: Office, users: UserAdministration, passwords: Passwords) -> None:
        self._office = office
        self._directory = office.directory
        self._users = users
        self._passwords = passwords

    def state(self, scope: TenantScope) -> SealState:
        """Whether there is one, and whether it was used."""
        user = self._account(scope)
        if user is None:
            return SealState.NONE
        return SealState.USED if user.password_hash is None else SealState.SEALED

    def seal(self, change: Change, roles: Collection[str]) -> SealedCredential:
        """Make the credential, with these roles.  Raises `ConflictError` while there is another."""
        if not roles:
            raise RequestError("an emergency account without a role could do nothing: name one")
        if self.state(change.scope) is not SealState.NONE:
            raise ConflictError(
                "there is a sealed credential, or one that was used: declare it void first, "
                "`pacsgate user emergency --void`"
            )
        for role in roles:
            self._users.check_assignment(change, Assignment(role))
        code = paper_code(_LETTERS, groups=_GROUPS, length=_GROUP_LETTERS)
        user = UserRecord(
            name=NAME,
            kind="user",
            display_name="Emergency access",
            password_hash=self._passwords.hash(code),
            assignments=tuple(Assignment(role) for role in sorted(roles)),
            created_at=change.at,
            source=EMERGENCY,
        )
        event = change.event(EventKind.EMERGENCY_ACCESS, "sealed", NAME, roles=words(roles))
        self._directory.add_user(change.scope, user, event)
        self._office.publish()
        return SealedCredential(NAME, code)

    def void(self, change: Change) -> SealState:
        """Make it worthless, end what it began, and return what it was.  Raises `NotFoundError`."""
        before = self.state(change.scope)
        if before is SealState.NONE:
            raise NotFoundError("there is no sealed credential; `pacsgate user emergency --seal` makes one")
        event = change.event(EventKind.EMERGENCY_ACCESS, "void", NAME, before=before.value)
        self._office.trail.record(event)
        self._users.remove(change, NAME)
        return before

    def _account(self, scope: TenantScope) -> UserRecord | None:
        user = self._directory.user(scope, NAME)
        if user is not None and user.source != EMERGENCY:
            raise ConflictError(f"`{NAME}` is an ordinary account here: remove it first")
        return user
