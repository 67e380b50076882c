"""The door of associations: who is let in, and who may still go on.

A user identity, where there is one, decides alone: whoever claims to be somebody is that person or
nobody, never the device that they claim it from.  Without one, the calling AE title is a device if
network or certificate prove it; else the called AE title may have an account of its own; else there
is nobody.

All failures look alike: each is answered when a whole number of half seconds has passed since it was
begun, so that a wrong network takes as long as a wrong password on a machine with time to spare, and
guessing is slow on any.  Wrong passcodes count in the same lockout as at every other door.

Used as `ports.AssociationDoor` by the DICOM door; wired by `bootstrap`.

Invariants:
- the epochs are read before anything that is remembered under them;
- every refusal is on record before it is answered, one that keeps happening as a count.

Standard: PS3.7 D.3.3.7; OWASP ASVS 5.0 6.3.8.
"""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from pacsgate.identity.assertions.saml_response import success_response
from pacsgate.identity.associations.by_assertion import ByAssertion
from pacsgate.identity.associations.by_device import ByDevice
from pacsgate.identity.associations.by_name import ByName
from pacsgate.identity.associations.by_password import ByPassword
from pacsgate.identity.associations.by_token import ByToken
from pacsgate.identity.associations.device_proof import proven
from pacsgate.identity.associations.repeats import Repeats
from pacsgate.identity.associations.user_identity import (
    SECRET_TYPES,
    NamedPerson,
    PresentedAssertion,
    PresentedToken,
    StatedIdentity,
    read_user_identity,
)
from pacsgate.identity.associations.ways import Asking, Holding
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.credentials import PasswordCredential
from pacsgate.identity.federation.federated_accounts import FederatedAccounts
from pacsgate.identity.latest_time import LatestTime
from pacsgate.identity.memory import EpochMemory
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.identity.subjects import RoleCeilings
from pacsgate.model.context import Context
from pacsgate.model.resource import TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, Clock, Directory, EpochStore, Trail
from pacsgate.ports.application_entities import ApplicationEntities
from pacsgate.ports.assertions import AssertionVerifier, UsedAssertions
from pacsgate.ports.associations import Admitted, Requestor, UserIdentity, UserIdentityType

REFUSAL_STEP_SECONDS = 0.5
"""Four times what a password takes to check on an idle machine."""


@dataclass(frozen=True, slots=True)
class AssociationSources:
    """Where associations are looked up: accounts, devices, what issuers sign."""

    directory: Directory
    accounts: FederatedAccounts
    remote_aes: ApplicationEntities
    epochs: EpochStore
    verifiers: Mapping[UserIdentityType, AssertionVerifier]
    used_assertions: UsedAssertions
    ceilings: RoleCeilings = field(default_factory=dict)


class LocalAssociationDoor:
    """Admits requestors that the directory, the list of devices or a configured issuer knows."""

    def __init__(
        self,
        sources: AssociationSources,
        authenticator: Authenticator,
        *,
        trail: Trail,
        clock: Clock,
        last_recorded: datetime,
        allow_cleartext_identity: bool,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._remote_aes = sources.remote_aes
        self._ceilings = sources.ceilings
        self._epochs = sources.epochs
        self._clock = clock
        self._allow_cleartext_identity = allow_cleartext_identity
        self._pause = pause
        self._record = SignInRecord(trail)
        self._latest = LatestTime(last_recorded)
        self._repeats = Repeats()
        self._held: EpochMemory[Hashable, Holding | None] = EpochMemory()
        directory = sources.directory
        self._by_device = ByDevice(directory)
        self._by_name = ByName(directory, self._record)
        self._by_password = ByPassword(directory, authenticator)
        self._by_token = ByToken(directory, sources.epochs, authenticator)
        self._by_assertion = ByAssertion(
            sources.accounts, sources.verifiers, sources.used_assertions, self._record
        )

    def admit(
        self, scope: TenantScope, requestor: Requestor, context: Context
    ) -> Admitted | AuthenticationFailed:
        """Verify; every refusal costs the same time, is counted and on record before this returns."""
        began = self._clock.monotonic()
        found = self._verify(scope, requestor, context)
        if isinstance(found, Admitted):
            return found
        if isinstance(found, Refusal):
            self._note(found, requestor, context)
            found = found.failure
        self._pause(until_next_step(self._clock.monotonic() - began))
        return found

    def still(
        self, scope: TenantScope, admitted: Admitted, requestor: Requestor, context: Context
    ) -> Subject | None:
        """The subject as it is now; `None` once it would not be admitted any more."""
        epochs = self._epochs.current()
        epoch = epochs.users + epochs.locks  # both only ever grow: the sum moves when one of them does
        now = self._latest.at(context.now)
        key = _key(admitted, requestor)
        held = self._held.get(key, epoch)
        if held is None or (held.ends_at is not None and now >= held.ends_at):
            held = self._look_again(scope, admitted, requestor, context)
            self._held.put(key, epoch, held)
        return None if held is None else held.subject

    def _verify(
        self, scope: TenantScope, requestor: Requestor, context: Context
    ) -> Admitted | Refusal | AuthenticationFailed:
        asking = self._asking(scope, requestor, context)
        if isinstance(asking, Refusal):
            return asking
        identity = requestor.identity
        if identity is None:
            return self._by_device.admit(asking, None)
        stated = self._stated(identity, over_tls=requestor.over_tls)
        if isinstance(stated, Cause):
            return Refusal(stated, tenant=scope.tenant)
        found = self._admit(asking, stated)
        if isinstance(found, Admitted) and identity.wants_response:
            return replace(found, response=_positive_response(identity, context.now))
        return found

    def _admit(self, asking: Asking, stated: StatedIdentity) -> Admitted | Refusal | AuthenticationFailed:
        match stated:
            case NamedPerson():
                return self._by_name.admit(asking, stated)
            case PasswordCredential():
                return self._by_password.admit(asking, stated)
            case PresentedToken():
                return self._by_token.admit(asking, stated)
            case PresentedAssertion():
                return self._by_assertion.admit(asking, stated)
            case _:
                assert_never(stated)

    def _look_again(
        self, scope: TenantScope, admitted: Admitted, requestor: Requestor, context: Context
    ) -> Holding | None:
        """Who it is now, if it is who it was and comes from where it came."""
        asking = self._asking(scope, requestor, context)
        if isinstance(asking, Refusal) or (asking.remote is None and admitted.remote is not None):
            return None
        identity = requestor.identity
        stated = None if identity is None else self._stated(identity, over_tls=requestor.over_tls)
        again = None if isinstance(stated, Cause) else self._again(asking, stated, admitted)
        if again is None or _identity(again.subject) != _identity(admitted.subject):
            return None
        subject = _as_proven(again.subject, admitted.subject)
        ends = (
            again.ends_at,
            subject.valid_until,
            None if asking.remote is None else asking.remote.valid_until,
        )
        return Holding(subject, min((end for end in ends if end is not None), default=None))

    def _again(self, asking: Asking, stated: StatedIdentity | None, before: Admitted) -> Holding | None:
        match stated:
            case None:
                return self._by_device.again(asking, None, before)
            case NamedPerson():
                return self._by_name.again(asking, stated, before)
            case PasswordCredential():
                return self._by_password.again(asking, stated, before)
            case PresentedToken():
                return self._by_token.again(asking, stated, before)
            case PresentedAssertion():
                return self._by_assertion.again(asking, stated, before)
            case _:
                assert_never(stated)

    def _asking(self, scope: TenantScope, requestor: Requestor, context: Context) -> Asking | Refusal:
        """The request with the device that it comes from; a title that is contradicted refuses it."""
        now = self._latest.at(context.now)
        title = requestor.calling_ae_title
        remote = proven(self._remote_aes.remote_ae(scope, title), requestor, now)
        if isinstance(remote, Cause):
            return Refusal(remote, Credential.DEVICE, None, title, scope.tenant)
        return Asking(scope, requestor, remote, context, now, self._ceilings)

    def _stated(self, identity: UserIdentity, *, over_tls: bool) -> StatedIdentity | Cause:
        if identity.kind in SECRET_TYPES and not (over_tls or self._allow_cleartext_identity):
            return Cause.CLEAR_TEXT
        return read_user_identity(identity)

    def _note(self, refusal: Refusal, requestor: Requestor, context: Context) -> None:
        what = (requestor.address, requestor.calling_ae_title, refusal.cause)
        untold = self._repeats.tell(what, self._clock.monotonic())
        if untold is not None:
            details = {"repeated": str(untold)} if untold else {}
            self._record.refused(refusal, context, **details)


def until_next_step(elapsed_seconds: float) -> float:
    """How long a refusal still waits, so that how long it took says nothing of why."""
    return REFUSAL_STEP_SECONDS - elapsed_seconds % REFUSAL_STEP_SECONDS


def _positive_response(identity: UserIdentity, at: datetime) -> bytes:
    return success_response(at) if identity.kind == UserIdentityType.SAML else b""


def _as_proven(subject: Subject, before: Subject) -> Subject:
    """The subject with what was proven when it was admitted: nothing is proven again."""
    return replace(
        subject,
        authenticated_at=before.authenticated_at,
        methods=before.methods,
        assurance_level=before.assurance_level,
        second_factor_at=before.second_factor_at,
    )


def _identity(subject: Subject) -> Hashable:
    return (subject.tenant, subject.name, subject.credential, subject.credential_id)


def _key(admitted: Admitted, requestor: Requestor) -> Hashable:
    """All that `still` depends on besides the epochs and the time; no secret is among it."""
    claims = admitted.claims
    return (
        _identity(admitted.subject),
        admitted.subject.authenticated_at,
        admitted.proof,
        None if claims is None else (claims.issuer, claims.expires_at, claims.groups, claims.assertion_id),
        admitted.remote is None,
        requestor.calling_ae_title,
        requestor.called,
        requestor.address,
        requestor.certificate_sha256,
    )
