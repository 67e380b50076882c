"""Writes every sign-in down, whether it succeeded or failed, before it is answered.

The claimed name is recorded; the password never gets here.

Called by `pacsgate.identity.password_door`, `.authenticate` and `.associations.door`.

Standard: PS3.15 A.5.3.12 (User Authentication), A.5.3.11 (Security Alert).
"""

from pacsgate.audit.events import Actor, AuditEvent, EventKind, Outcome
from pacsgate.identity.refusals import Refusal
from pacsgate.model.claimed_names import NOBODY
from pacsgate.model.context import Context
from pacsgate.model.decision import ReasonCode
from pacsgate.model.resource import TenantName
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import FailureKind, Trail
from pacsgate.ports.identity import AttemptLock

_REASONS = {
    FailureKind.NO_CREDENTIAL: ReasonCode.NO_CREDENTIAL,
    FailureKind.REFUSED: ReasonCode.NO_CREDENTIAL,
    FailureKind.LOCKED_OUT: ReasonCode.LOCKED_OUT,
    FailureKind.BUSY: ReasonCode.NO_CREDENTIAL,
    FailureKind.UNAVAILABLE: ReasonCode.NO_CREDENTIAL,
}


class SignInRecord:
    """The sign-in events of every door.  Each method returns when its event is durable."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    def succeeded(self, subject: Subject, context: Context) -> None:
        """Record that a password or an assertion was right."""
        actor = Actor(
            name=subject.name,
            verified=True,
            credential=subject.credential.value,
            credential_id=subject.credential_id,
            roles=tuple(sorted({assignment.role for assignment in subject.assignments})),
            address=context.client_address,
        )
        self._trail.record(
            AuditEvent(
                EventKind.SIGN_IN,
                context.now,
                actor,
                tenant=subject.tenant,
                request_id=context.request_id,
                details=_titles(context),
            )
        )

    def shared(self, subject: Subject, place: str, other: str, context: Context) -> None:
        """Record that an account is at work from two places at once."""
        actor = Actor(
            name=subject.name,
            verified=True,
            credential=subject.credential.value,
            credential_id=subject.credential_id,
            address=context.client_address,
        )
        self._trail.record(
            AuditEvent(
                EventKind.CREDENTIAL_SHARED,
                context.now,
                actor,
                Outcome.MAJOR,
                tenant=subject.tenant,
                request_id=context.request_id,
                details={"place": place, "other_place": other},
            )
        )

    def emergency(self, tenant: TenantName, name: str, context: Context) -> AuditEvent:
        """The alarm that the sealed credential is used, for the transaction that uses it up."""
        actor = Actor(name, verified=True, credential="password", address=context.client_address)
        return AuditEvent(
            EventKind.EMERGENCY_ACCESS,
            context.now,
            actor,
            Outcome.MAJOR,
            tenant=tenant,
            request_id=context.request_id,
        )

    def refused(self, refusal: Refusal, context: Context, **details: str) -> None:
        """Record that a credential was not accepted."""
        is_certificate = refusal.credential is Credential.CERTIFICATE
        self._trail.record(
            AuditEvent(
                EventKind.CERTIFICATE_REFUSED if is_certificate else EventKind.SIGN_IN,
                context.now,
                _claimant(refusal, context),
                Outcome.SERIOUS,
                tenant=refusal.tenant,
                reasons=(_REASONS[refusal.cause.kind].value,),
                request_id=context.request_id,
                details={"cause": refusal.cause.word, **_titles(context), **details},
            )
        )

    def locked(self, refusal: Refusal, lock: AttemptLock, context: Context) -> None:
        """Record that this refusal locked the claimed name, or the address that it came from."""
        self._trail.record(
            AuditEvent(
                EventKind.LOCKED_OUT,
                context.now,
                _claimant(refusal, context),
                Outcome.SERIOUS,
                tenant=refusal.tenant,
                reasons=(ReasonCode.LOCKED_OUT.value,),
                request_id=context.request_id,
                details={
                    "seconds": str(lock.seconds_left),
                    "locked": "address" if lock.of_address else "name",
                },
            )
        )


def _titles(context: Context) -> dict[str, str]:
    """The AE titles of an association, which nobody has verified."""
    titles = {"calling_ae_title": context.calling_ae_title, "called_ae_title": context.called_ae_title}
    return {name: title for name, title in titles.items() if title is not None}


def _claimant(refusal: Refusal, context: Context) -> Actor:
    return Actor(
        name=refusal.name or NOBODY,
        verified=False,
        credential=None if refusal.credential is None else refusal.credential.value,
        credential_id=refusal.credential_id,
        address=context.client_address,
    )
