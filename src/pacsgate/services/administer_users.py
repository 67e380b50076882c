"""Accounts: made, changed, disabled and removed.

Disabling a user, and giving a new password, ends the user's browser sessions.
Removing one revokes tokens and grants first, so that a later user of the same
name inherits nothing.

Called by the command line and the administration API.

Standard: OWASP ASVS 5.0 7.4.2, 7.4.3; PS3.16 CID 401 (110137, 110136).
"""

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime

from pacsgate.audit.events import AuditEvent, EventKind, Outcome
from pacsgate.model.built_in_roles import AGENT_INSTANCE, NEVER_ASSIGNED, TENANT_REGISTRATOR
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.grant import GranteeKind
from pacsgate.model.resource import TenantScope
from pacsgate.model.role import Assignment
from pacsgate.model.subject import EMERGENCY, Attributes, SubjectKind
from pacsgate.ports import Passwords, UserRecord, session_public_id
from pacsgate.ports.role_givings import RoleGiving
from pacsgate.services.administer_grants import grant_event
from pacsgate.services.administration import (
    Change,
    Office,
    assignment_text,
    assignments_text,
    attributes_text,
    words,
)
from pacsgate.services.last_administrator import still_governed
from pacsgate.services.study_permissions import StudyPermissionAdministration
from pacsgate.services.time_boxed_roles import began, prolonged, refuse_longer, whole_roles

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?")
"""No colon (RFC 7617), no space, nothing that a terminal or a log would act on."""


class UserAdministration:
    """Changes to the accounts of a tenant."""

    def __init__(
        self, office: Office, passwords: Passwords, sign_in_sources: Collection[str] = frozenset()
    ) -> None:
        """`sign_in_sources` are those whose accounts sign in there, and have no password here."""
        self._sign_in_sources = sign_in_sources
        self._office = office
        self._directory = office.directory
        self._passwords = passwords

    def user(self, scope: TenantScope, name: str) -> UserRecord:
        """The account of this name.  Raises `NotFoundError`."""
        user = self._directory.user(scope, name)
        if user is None:
            raise NotFoundError(f"no user is called `{name}`; `pacsgate user list` shows those that exist")
        return user

    def users(self, scope: TenantScope) -> tuple[UserRecord, ...]:
        """Every account."""
        return self._directory.users(scope)

    def check_new(self, name: str, password: str | None) -> None:
        """Raise `RequestError` if an account of this name and password could not be made."""
        if _NAME.fullmatch(name) is None:
            raise RequestError(
                f"`{name}` cannot be a user name: 1 to 64 letters, digits and `.`, `_`, `@`, `-` inside"
            )
        if password is not None:
            self._passwords.refuse_weak(password, name)

    def add(
        self,
        change: Change,
        name: str,
        *,
        kind: SubjectKind = SubjectKind.USER,
        display_name: str = "",
        password: str | None = None,
        groups: frozenset[str] = frozenset(),
        attributes: Attributes | None = None,
        starts: datetime | None = None,
        until: datetime | None = None,
    ) -> UserRecord:
        """Make an account, for good or for a time; without a password nobody can sign in to it."""
        self.check_new(name, password)
        _refuse_window(starts, until, change.at)
        user = UserRecord(
            name=name,
            kind=kind.value,
            display_name=display_name,
            password_hash=None if password is None else self._passwords.hash(password),
            groups=groups,
            attributes=attributes or {},
            created_at=change.at,
            starts=starts,
            until=until,
        )
        event = change.event(
            EventKind.USER_CHANGED,
            "added",
            name,
            after=f"kind={user.kind}",
            groups=words(user.groups),
            attributes=attributes_text(user.attributes),
            password="none" if password is None else "set",
            valid=_window_text(starts, until),
        )
        self._directory.add_user(change.scope, user, event)
        self._office.publish()
        return user

    def set_disabled(self, change: Change, name: str, *, disabled: bool) -> None:
        """Disable an account at once, or enable it again."""
        state = {False: "enabled", True: "disabled"}
        user = self.user(change.scope, name)
        event = change.event(
            EventKind.USER_CHANGED, state[disabled], name, before=state[user.disabled], after=state[disabled]
        )
        told = replace(user, disabled=disabled, disabled_by="")
        # Written in any case: somebody may have enabled it since it was read.
        before = replace(user, disabled=not disabled)
        with still_governed(self._office, change):
            self._directory.change_user(change.scope, told, event, before=before)
            if disabled:
                self._directory.end_sessions_of(change.scope, name)
        self._office.publish()

    def set_password(
        self,
        change: Change,
        name: str,
        password: str,
        *,
        word: str = "password",
        keep_session: str | None = None,
    ) -> None:
        """Give a new password; sessions end, but the one that is kept by its public id.

        Raises `ConflictError` for an account that signs in elsewhere, and for the sealed one.
        """
        user = self.user(change.scope, name)
        if user.source in self._sign_in_sources:
            raise ConflictError(f"`{name}` signs in at `{user.source}`: a password is changed there")
        if user.source == EMERGENCY:
            raise ConflictError(f"`{name}` is the sealed account: `pacsgate user emergency` makes it anew")
        self._passwords.refuse_weak(password, name)
        hashed = self._passwords.hash(password)
        event = change.event(EventKind.USER_CHANGED, word, name)
        self._directory.change_user(change.scope, replace(user, password_hash=hashed), event, before=user)
        for session in self._directory.sessions(change.scope, user=name):
            if session_public_id(session) != keep_session:
                self._directory.end_session(change.scope, session.cookie_sha256)
        self._office.publish()

    def set_display_name(self, change: Change, name: str, display_name: str) -> None:
        """Replace the name that is shown."""
        user = self.user(change.scope, name)
        event = change.event(
            EventKind.USER_CHANGED, "display name", name, before=user.display_name, after=display_name
        )
        self._directory.change_user(
            change.scope, replace(user, display_name=display_name), event, before=user
        )
        self._office.publish()

    def set_window(self, change: Change, name: str, starts: datetime | None, until: datetime | None) -> None:
        """Replace from when until when somebody may come in as this account."""
        user = self.user(change.scope, name)
        _refuse_window(starts, until, change.at)
        before, after = _window_text(user.starts, user.until), _window_text(starts, until)
        event = change.event(EventKind.USER_CHANGED, "validity", name, before=before, after=after)
        with still_governed(self._office, change):
            self._directory.change_user(
                change.scope, replace(user, starts=starts, until=until), event, before=user
            )
        self._office.publish()

    def set_groups(self, change: Change, name: str, groups: frozenset[str]) -> None:
        """Replace the groups that a user is in."""
        user = self.user(change.scope, name)
        event = change.event(
            EventKind.USER_CHANGED, "groups", name, before=words(user.groups), after=words(groups)
        )
        self._directory.change_user(change.scope, replace(user, groups=groups), event, before=user)
        self._office.publish()

    def set_attributes(self, change: Change, name: str, attributes: Attributes) -> None:
        """Replace the attributes that policies read as `user.…`."""
        user = self.user(change.scope, name)
        before, after = attributes_text(user.attributes), attributes_text(attributes)
        event = change.event(EventKind.USER_CHANGED, "attributes", name, before=before, after=after)
        self._directory.change_user(change.scope, replace(user, attributes=attributes), event, before=user)
        self._office.publish()

    def assign(self, change: Change, name: str, assignment: Assignment) -> None:
        """Give a role in a scope, for a time.  Raises `ConflictError` if somebody else has to prolong it."""
        self.check_assignment(change, assignment)
        user = self.user(change.scope, name)
        if assignment in user.assignments:
            raise ConflictError(f"`{name}` has this assignment already: {assignment_text(assignment)}")
        givings = self._directory.role_givings(change.scope, name)
        giving = RoleGiving(
            givings[-1].number + 1 if givings else 1,
            change.actor.name,
            assignment.role,
            assignment.scope,
            began(assignment, change.at),
            assignment.until,
        )
        last = prolonged(whole_roles(self._office, change.scope), givings, giving)
        told = {} if last is None else {"prolongs": last.role, "given_before_by": last.given_by}
        event = change.event(
            EventKind.ROLE_CHANGED,
            "assigned",
            name,
            before=assignments_text(user.assignments),
            after=assignments_text((*user.assignments, assignment)),
            study=None,
            given=assignment_text(assignment),
            **told,
        )
        if last is not None:
            self._need_another_person(change, last, event)
        self._directory.give_role(change.scope, name, assignment, giving, event)
        self._office.publish()

    def check_assignment(self, change: Change, assignment: Assignment) -> None:
        """Raise `NotFoundError` or `RequestError` if nobody could be given this."""
        self._office.need_role(change.scope, assignment.role)
        _refuse_kept_back(assignment)
        if assignment.until is not None and assignment.until <= (assignment.starts or change.at):
            raise RequestError("an assignment must end after it begins, and not in the past")
        role = whole_roles(self._office, change.scope).get(assignment.role)
        if role is not None:
            refuse_longer(role, assignment, change.at)

    def _need_another_person(self, change: Change, last: RoleGiving, event: AuditEvent) -> None:
        """Raise `ConflictError`, on record, if whoever prolongs is who gave it last, or is no person."""
        prolonger = self._directory.user(change.scope, change.actor.name)
        if prolonger is not None and prolonger.kind != SubjectKind.USER:
            why = f"no {prolonger.kind} prolongs role `{last.role}`: a person has to agree to it"
        elif last.given_by == change.actor.name:
            why = f"you gave role `{last.role}` last: somebody else has to prolong it"
        else:
            return
        details = {**event.details, "change": "prolonging refused"}
        self._office.trail.record(replace(event, outcome=Outcome.SERIOUS, details=details))
        raise ConflictError(why)

    def unassign(self, change: Change, name: str, takes: Callable[[Assignment], bool]) -> int:
        """Take away every assignment that `takes` picks; return how many."""
        user = self.user(change.scope, name)
        kept = tuple(assignment for assignment in user.assignments if not takes(assignment))
        taken = len(user.assignments) - len(kept)
        if not taken:
            raise NotFoundError(
                f"`{name}` has no such assignment of its own; those that policy files make are changed there"
            )
        for assignment in set(user.assignments).difference(kept):
            _refuse_kept_back(assignment)
        event = change.event(
            EventKind.ROLE_CHANGED,
            "unassigned",
            name,
            before=assignments_text(user.assignments),
            after=assignments_text(kept),
            taken=assignments_text(set(user.assignments).difference(kept)),
        )
        with still_governed(self._office, change):
            self._directory.change_user(change.scope, replace(user, assignments=kept), event, before=user)
        self._office.publish()
        return taken

    def remove(self, change: Change, name: str) -> None:
        """Remove an account with its tokens, grants, study permissions and sessions."""
        user = self.user(change.scope, name)
        # Disabled first: nothing new can begin while the rest is taken away.
        self.set_disabled(change, name, disabled=True)
        for token in self._directory.tokens(change.scope, name):
            if token.revoked_at is None:
                event = change.event(EventKind.USER_CHANGED, "token revoked", name, token=token.token_id)
                self._directory.revoke_token(change.scope, token.token_id, change.at, event)
        for grant in self._directory.grants(change.scope):
            if grant.grantee_kind is GranteeKind.USER and grant.grantee == name:
                event = grant_event(change, "revoked", grant)
                self._directory.revoke_grant(change.scope, grant.grant_id, event)
        StudyPermissionAdministration(self._office).revoke_all_of(change, (GranteeKind.USER, name))
        event = change.event(
            EventKind.USER_CHANGED, "removed", name, before=assignments_text(user.assignments)
        )
        self._directory.remove_user(change.scope, name, event)
        self._office.publish()


def _refuse_kept_back(assignment: Assignment) -> None:
    if assignment.role in NEVER_ASSIGNED:
        raise RequestError(
            f"role `{assignment.role}` is neither given nor taken by itself: "
            f"`{TENANT_REGISTRATOR}` comes by the configuration file, "
            f"`{AGENT_INSTANCE}` by registering a PACS",
            status=403,
        )


def _refuse_window(starts: datetime | None, until: datetime | None, now: datetime) -> None:
    if until is not None and until <= max(starts or now, now):
        raise RequestError(
            "an account must end after it begins, and not in the past; to end it now, disable it"
        )


def _window_text(starts: datetime | None, until: datetime | None) -> str:
    """A window in one line."""
    parts = (("from", starts), ("until", until))
    return " ".join(f"{word} {instant.isoformat()}" for word, instant in parts if instant) or "always"
