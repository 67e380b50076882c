"""The door of associations over a small installation: people, devices, and whoever asks to be let in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.identity.associations.door import AssociationSources, LocalAssociationDoor
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.federation.source_policy import SourcePolicy
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.context import Context
from pacsgate.model.subject import Subject, SubjectKind
from pacsgate.ports import AuthenticationFailed, Clock
from pacsgate.ports.assertions import AssertionVerifier
from pacsgate.ports.associations import Admitted, CalledAe, Requestor, UserIdentity, UserIdentityType
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import Stores, stores_on
from tests.support.databases import sqlite_url
from tests.support.people import OPERATOR, PASSWORD, SCOPE, People, people_on

ADDRESS = "10.1.2.3"
FINGERPRINT = "ab" * 32
CALLED = CalledAe("PACSGATE")


def by_password(
    name: str = "rad1", password: str = PASSWORD, *, wants_response: bool = False
) -> UserIdentity:
    return UserIdentity(
        UserIdentityType.USERNAME_AND_PASSCODE,
        name.encode(),
        password.encode(),
        wants_response=wants_response,
    )


def by_name(name: str = "rad1") -> UserIdentity:
    return UserIdentity(UserIdentityType.USERNAME, name.encode())


def requestor(title: str = "CT1", identity: UserIdentity | None = None, **parts: Any) -> Requestor:
    return replace(
        Requestor(title, CALLED, ADDRESS, over_tls=True, certificate_sha256=FINGERPRINT, identity=identity),
        **parts,
    )


@dataclass
class Reception:
    """Everything that admits associations."""

    people: People
    stores: Stores
    door: LocalAssociationDoor
    pauses: list[float]

    def add_device(self, title: str = "CT1", **parts: Any) -> RemoteAe:
        """An entry with an account of its own, unless `parts` says otherwise; the account is made."""
        entity = RemoteAe(title, **{"account": title.lower(), **parts})
        if entity.account is not None and self.stores.directory.user(SCOPE, entity.account) is None:
            self.people.users.add(self.people.change(), entity.account, kind=SubjectKind.DEVICE)
        self.stores.remote_aes.add_remote_ae(SCOPE, entity, self.event())
        self.people.trail.events.clear()
        return entity

    def change_device(self, entity: RemoteAe) -> None:
        self.stores.remote_aes.change_remote_ae(SCOPE, entity, self.event())

    def event(self) -> AuditEvent:
        return AuditEvent(EventKind.USER_CHANGED, self.people.clock.now(), OPERATOR)

    def context(self, of: Requestor) -> Context:
        return Context(
            self.people.clock.now(),
            "r-1",
            client_address=of.address,
            calling_ae_title=of.calling_ae_title,
            called_ae_title=of.called.ae_title,
        )

    def admit(self, of: Requestor) -> Admitted | AuthenticationFailed:
        return self.door.admit(SCOPE, of, self.context(of))

    def admitted(self, of: Requestor) -> Admitted:
        """What `admit` says of somebody who gets in."""
        found = self.admit(of)
        assert isinstance(found, Admitted), self.causes()
        return found

    def still(self, admitted: Admitted, of: Requestor) -> Subject | None:
        return self.door.still(SCOPE, admitted, of, self.context(of))

    def causes(self) -> list[str]:
        """Why sign-ins were refused, oldest first."""
        return [
            event.details["cause"]
            for event in self.people.trail.of(EventKind.SIGN_IN)
            if "cause" in event.details
        ]


def open_reception(
    directory: Path,
    verifiers: Mapping[UserIdentityType, AssertionVerifier] | None = None,
    *,
    sources: Iterable[SourcePolicy] = (),
    clock: Clock | None = None,
    pause: Any = None,
    allow_cleartext_identity: bool = False,
    **parts: Any,
) -> Reception:
    """A door in an empty directory, with the user `rad1` of the group `radiology`."""
    stores = stores_on(open_database(sqlite_url(directory)))
    people = people_on(stores, **parts)
    people.users.add(people.change(), "rad1", password=PASSWORD, groups=frozenset({"radiology"}))
    people.trail.events.clear()
    pauses: list[float] = []
    door = LocalAssociationDoor(
        AssociationSources(
            stores.directory,
            FederatedAccounts(stores.directory, stores.identity_links, sources),
            stores.remote_aes,
            stores.epochs,
            verifiers or {},
            stores.used_assertions,
        ),
        people.authenticator,
        trail=people.trail,
        clock=clock or people.clock,
        last_recorded=people.clock.now(),
        allow_cleartext_identity=allow_cleartext_identity,
        pause=pause or pauses.append,
    )
    return Reception(people, stores, door, pauses)
