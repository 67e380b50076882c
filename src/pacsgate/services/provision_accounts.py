"""Joiners, movers and leavers: what a source says of its people becomes changes of its accounts.

A source that provisions (an HR list, a directory, a SCIM client) keeps accounts of its own: those that
bear its name as their source.  Which person is which account is a link by the source's own id; a name
finds an account once, when the person joins.

Called by `reconcile_accounts` and by the SCIM service.

Invariants:
- an account that another source or the gate itself keeps is never changed;
- only a source that disabled an account enables it again: an administrator's word stands;
- a leaver's account is disabled and its sessions end; what it holds stays to be looked at, and is told;
- no source takes away the last who governs a tenant: that it wanted to is on record, and somebody decides.

Standard: NIST SP 800-53 AC-2; PS3.16 CID 401 (110137).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.model.errors import ConflictError
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Attributes, SubjectKind
from pacsgate.ports import UserRecord
from pacsgate.ports.identity_sources import IdentityLink, IdentityLinks, SourceAccount
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.administration import Change, Office, attributes_text, words
from pacsgate.services.last_administrator import LastAdministratorError, still_governed

FIELDS = frozenset({"display_name", "groups", "attributes", "starts", "until"})
"""What a source can say of an account besides that it is there."""

Differences = Mapping[str, tuple[str, str]]
"""Field to what stands there and what the source says, as an auditor reads them."""


@dataclass(frozen=True, slots=True)
class Origin:
    """On whose word accounts change."""

    source: str
    feed: str = ""
    """The SHA-256 of the list it was read from; empty when each change comes by itself."""

    @property
    def details(self) -> dict[str, str]:
        """How the record names it."""
        return {"source": self.source} | ({"feed_sha256": self.feed} if self.feed else {})


class Provisioning:
    """Changes the accounts of sources."""

    def __init__(self, office: Office, users: UserAdministration, links: IdentityLinks) -> None:
        self._office = office
        self._users = users
        self._links = links

    def accounts(self, scope: TenantScope, source: str) -> dict[str, UserRecord]:
        """The accounts that a source keeps, by the source's ids."""
        kept = {user.name: user for user in self._office.directory.users(scope) if user.source == source}
        links = self._links.links(scope, source=source)
        return {link.external_id: kept[link.user] for link in links if link.user in kept}

    def account(self, scope: TenantScope, source: str, external_id: str) -> UserRecord | None:
        """The account of one person of the source."""
        link = self._links.linked(scope, source, external_id)
        user = None if link is None else self._office.directory.user(scope, link.user)
        return None if user is None or user.source != source else user

    def refuse_to_join(
        self, scope: TenantScope, source: str, person: SourceAccount, *, adopt: bool = False
    ) -> UserRecord | None:
        """Raise `RequestError` or `ConflictError` if this person cannot join.

        Returns the account that is theirs to have: one of the source that lost its link, or with `adopt`
        one of the gate of the same name.
        """
        self._users.check_new(person.name, None)
        held = self._office.directory.user(scope, person.name)
        if held is None:
            return None
        if held.kind != SubjectKind.USER.value or held.source not in ({source, ""} if adopt else {source}):
            raise ConflictError(f"`{person.name}` is an account that `{source}` does not keep")
        links = self._links.links(scope, source=source, user=held.name)
        if any(link.external_id != person.external_id for link in links):
            raise ConflictError(f"`{person.name}` is somebody else of `{source}` already")
        return held

    def join(
        self, change: Change, origin: Origin, person: SourceAccount, *, adopt: bool = False
    ) -> UserRecord:
        """Make the account of a new person, or take over the one that is theirs."""
        held = self.refuse_to_join(change.scope, origin.source, person, adopt=adopt)
        if held is None:
            self._office.directory.add_user(
                change.scope,
                UserRecord(
                    person.name,
                    SubjectKind.USER.value,
                    display_name=person.display_name,
                    disabled=not person.active,
                    disabled_by="" if person.active else origin.source,
                    groups=person.groups,
                    attributes=_held(person.attributes),
                    created_at=change.at,
                    source=origin.source,
                    starts=person.starts,
                    until=person.until,
                ),
                change.event(
                    EventKind.USER_CHANGED,
                    "joined",
                    person.name,
                    study=None,
                    groups=words(person.groups),
                    attributes=attributes_text(person.attributes),
                    external_id=person.external_id,
                    **origin.details,
                ),
            )
        if self._links.linked(change.scope, origin.source, person.external_id) is None:
            link = IdentityLink(origin.source, person.external_id, person.name, change.at)
            self._links.link(change.scope, link)
        if held is not None:
            self._write(change, origin, held, replace(held, source=origin.source), "adopted")
        self._office.publish()
        return self._users.user(change.scope, person.name)

    def update(
        self,
        change: Change,
        origin: Origin,
        user: UserRecord,
        person: SourceAccount,
        *,
        speaks_of: frozenset[str] = FIELDS,
    ) -> UserRecord:
        """Write what the source says now, a leaver's end or return included, on what stands there now."""
        user = self._own(change.scope, origin, user.name)
        told = self._told(user, person, speaks_of)
        if user.disabled and user.disabled_by == origin.source and person.active:
            told = replace(told, disabled=False, disabled_by="")
        elif not user.disabled and not person.active:
            told = replace(told, disabled=True, disabled_by=origin.source)
        if told != user:
            self._write(change, origin, user, told, _word(user, told))
            self._office.publish()
        return told

    def leave(self, change: Change, origin: Origin, user: UserRecord) -> None:
        """Disable the account of whoever is gone."""
        user = self._own(change.scope, origin, user.name)
        if not user.disabled:
            self._write(change, origin, user, replace(user, disabled=True, disabled_by=origin.source), "left")
            self._office.publish()

    def identify(self, change: Change, origin: Origin, user: UserRecord, external_id: str) -> None:
        """Keep what the source knows the person by, from now on.  Raises `ConflictError`."""
        held = self._links.linked(change.scope, origin.source, external_id)
        if held is not None and held.user == user.name:
            return
        if held is not None:
            raise ConflictError(f"`{external_id}` is somebody else of `{origin.source}`")
        self._office.trail.record(
            change.event(
                EventKind.USER_CHANGED,
                "identified",
                user.name,
                study=None,
                external_id=external_id,
                **origin.details,
            )
        )
        for link in self._links.links(change.scope, source=origin.source, user=user.name):
            self._links.unlink(change.scope, origin.source, link.external_id)
        self._links.link(change.scope, IdentityLink(origin.source, external_id, user.name, change.at))

    def remove(self, change: Change, origin: Origin, user: UserRecord) -> None:
        """Remove an account of the source with all that hangs on it, as the source demands."""
        self._users.remove(change, self._own(change.scope, origin, user.name).name)

    def differences(
        self, user: UserRecord, person: SourceAccount, speaks_of: frozenset[str] = FIELDS
    ) -> Differences:
        """What the source says otherwise than the account."""
        return differences(user, self._told(user, person, speaks_of))

    def holdings(self, scope: TenantScope, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """What each account holds besides its groups: roles, grants, living tokens, in a line each."""
        wanted = {name: list[str]() for name in names}
        for name in wanted:
            user = self._office.directory.user(scope, name)
            wanted[name] += [f"role {given.role}" for given in (user.assignments if user else ())]
        for grant in self._office.directory.grants(scope):
            if grant.grantee_kind.value == "user" and grant.grantee in wanted:
                wanted[grant.grantee].append(f"grant {grant.grant_id}")
        for token in self._office.directory.tokens(scope):
            if token.user in wanted and token.revoked_at is None:
                wanted[token.user].append(f"token {token.token_id}")
        return {name: tuple(held) for name, held in wanted.items()}

    def _own(self, scope: TenantScope, origin: Origin, name: str) -> UserRecord:
        """The account as it is at this moment, whatever was read before a plan was made."""
        user = self._users.user(scope, name)
        if user.source != origin.source:
            raise ConflictError(f"`{name}` is an account that `{origin.source}` does not keep")
        return user

    def _told(self, user: UserRecord, person: SourceAccount, speaks_of: frozenset[str]) -> UserRecord:
        said = {name: getattr(person, name) for name in speaks_of - {"attributes"}}
        if "attributes" in speaks_of:
            said["attributes"] = _held({**user.attributes, **person.attributes})
        return replace(user, **said)

    def _write(
        self, change: Change, origin: Origin, before: UserRecord, after: UserRecord, word: str
    ) -> None:
        told = differences(before, after)
        is_reviewed = after.disabled or before.groups != after.groups
        held = self.holdings(change.scope, (before.name,))[before.name] if is_reviewed else ()
        event = change.event(
            EventKind.USER_CHANGED,
            word,
            before.name,
            study=None,
            before="; ".join(f"{name}={old}" for name, (old, _) in told.items()),
            after="; ".join(f"{name}={new}" for name, (_, new) in told.items()),
            still_holds=", ".join(held),
            **origin.details,
        )
        if not _may_keep_out(before, after):
            self._office.directory.change_user(change.scope, after, event, before=before)
            return
        try:
            with still_governed(self._office, change):
                self._office.directory.change_user(change.scope, after, event, before=before)
                if after.disabled:
                    self._office.directory.end_sessions_of(change.scope, before.name)
        except LastAdministratorError:
            details = {**event.details, "change": f"{word} refused"}
            self._office.trail.record(replace(event, outcome=Outcome.SERIOUS, details=details))
            raise


def differences(before: UserRecord, after: UserRecord) -> Differences:
    """What two states of an account differ in, each side in one line."""
    pairs = {
        "source": (before.source, after.source),
        "state": (_state(before), _state(after)),
        "display_name": (before.display_name, after.display_name),
        "groups": (words(before.groups), words(after.groups)),
        "attributes": (attributes_text(before.attributes), attributes_text(after.attributes)),
        "starts": (str(before.starts or ""), str(after.starts or "")),
        "until": (str(before.until or ""), str(after.until or "")),
    }
    return {name: (old, new) for name, (old, new) in pairs.items() if old != new}


def _held(attributes: Attributes) -> Attributes:
    """Without those that the source says have no value."""
    return {name: values for name, values in attributes.items() if values}


def _state(user: UserRecord) -> str:
    return "disabled" if user.disabled else "enabled"


def _may_keep_out(before: UserRecord, after: UserRecord) -> bool:
    """Whether somebody may be kept out from now on, or some day, who was not."""
    return after.disabled or (before.starts, before.until) != (after.starts, after.until)


def _word(before: UserRecord, after: UserRecord) -> str:
    if before.disabled == after.disabled:
        return "moved"
    return "left" if after.disabled else "returned"
