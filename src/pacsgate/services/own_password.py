"""Somebody changes the password that they have, and know.

Called by the security page.

Invariants:
- the old password is proven first, under the same counts and locks as at any sign-in;
- every other session of theirs ends with it.

Standard: OWASP ASVS 5.0 6.2.2, 6.2.3, 7.4.3.
"""

from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.tenant_names import sign_in_name
from pacsgate.ports import AuthenticationFailed, PasswordDoor
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.callers import Caller


class OwnPassword:
    """Changes the password of whoever asks."""

    def __init__(self, users: UserAdministration, door: PasswordDoor) -> None:
        self._users = users
        self._door = door

    def change(self, caller: Caller, old: str, new: str) -> AuthenticationFailed | None:
        """Replace the old password, which must be right; every other session ends.  `None` when done.

        Raises `RequestError` for a weak one, `ConflictError` where the password is not kept here.
        """
        subject, context = caller.subject, caller.context
        if subject.source:
            raise ConflictError(
                f"you have signed in by `{subject.source}`: a password is changed where it is kept, "
                "and one of the gate after signing in with it"
            )
        self._users.check_new(subject.name, new)
        found = self._door.sign_in(sign_in_name(subject.tenant, subject.name), old, context)
        if isinstance(found, AuthenticationFailed):
            return found
        if new == old:
            raise RequestError("this is the password that you have already")
        self._users.set_password(caller.change(), subject.name, new, keep_session=subject.credential_id)
        return None
