"""An association is requested: who is it, may it come in, and what for?

The order of the questions: is there room; is this one of our AE titles; who is it; has it proven
that as strongly as it must; has that subject an association too many.  The first no is the answer.
Everything that fails to authenticate is answered alike, and takes the same time
(`ports.AssociationDoor`); so does a passcode that is right where more is demanded.

Called by `house`, on the association's own thread, when the A-ASSOCIATE-RQ is there.

Invariants:
- one answer: the library's own checks of titles and identities are not in use, since
  each would overwrite the one before;
- whatever breaks here rejects.

Standard: PS3.8 9.3.4 (A-ASSOCIATE-RJ); PS3.7 D.3.3.7 (User Identity Negotiation).
"""

import hashlib
import time
from dataclasses import dataclass
from enum import Enum
from threading import Event

import structlog
from pynetdicom._globals import APPLICATION_CONTEXT_NAME
from pynetdicom.pdu_primitives import A_ASSOCIATE, SOPClassExtendedNegotiation, UserIdentityNegotiation

from pacsgate.gateway.dimse.alerts import Alerts
from pacsgate.gateway.dimse.association import GateAssociation
from pacsgate.gateway.dimse.contexts import supported_contexts
from pacsgate.gateway.dimse.exchange import Established
from pacsgate.gateway.dimse.handlers import HANDLERS
from pacsgate.gateway.dimse.places import Places
from pacsgate.gateway.dimse.settings import AnsweredAe
from pacsgate.gateway.dimse.standing import Seen, Standing, new_association_name, seen_by
from pacsgate.gateway.dimse.wiring import DimseGate
from pacsgate.identity.associations.door import until_next_step
from pacsgate.model.application_entity import is_ae_title
from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import PacsgateError
from pacsgate.model.resource import TenantScope
from pacsgate.model.strength import Strength
from pacsgate.ports.associations import Admitted, Requestor, UserIdentity
from pacsgate.ports.identity import AuthenticationFailed, FailureKind
from pacsgate.protocols.dimse import extended_negotiation
from pacsgate.protocols.dimse.services import ServiceKind
from pacsgate.services.record import Circumstances, actor_of

_log = structlog.get_logger("pacsgate.dicom")


class Rejection(Enum):
    """An A-ASSOCIATE-RJ: result, source, reason (PS3.8 table 9-21)."""

    APPLICATION_CONTEXT = (1, 1, 2)
    """The application context is not DICOM's."""
    CALLED_AE_TITLE = (1, 1, 7)
    """The called AE title is none of the configured ones."""
    NOT_AUTHENTICATED = (1, 2, 1)
    """Whoever fails to say who they are, for whatever cause."""
    CONGESTION = (2, 3, 1)
    """Nothing can be put on record, or decided, at this moment."""
    LIMIT = (2, 3, 2)
    """There are as many associations as there may be, in all or of this subject."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Answers association requests."""

    gate: DimseGate
    places: Places
    alerts: Alerts

    def admit(self, association: GateAssociation) -> Standing | None:
        """Reject the request, or prepare the association for its acceptance."""
        try:
            answer = self._answer(association)
        except PacsgateError as error:
            _log.error("association refused", error=error.public, detail=error.detail)
            answer = Rejection.CONGESTION
        except Exception:  # noqa: BLE001 - the outermost edge: what is broken lets nobody in
            _log.exception("association refused")
            answer = Rejection.CONGESTION
        if isinstance(answer, Standing):
            return answer
        association.acse.send_reject(*answer.value)
        return None

    def _answer(self, association: GateAssociation) -> Standing | Rejection:
        request = association.requestor.primitive
        if not isinstance(request, A_ASSOCIATE):
            return Rejection.CONGESTION
        if not self.places.has_room():
            self.alerts.tell(association.address, "too many associations", ReasonCode.LOCKED_OUT)
            return Rejection.LIMIT
        if str(request.application_context_name) != APPLICATION_CONTEXT_NAME:
            self.alerts.tell(association.address, "unknown application context")
            return Rejection.APPLICATION_CONTEXT
        answered = self.gate.settings.ae_titles.get(_title(request.called_ae_title))
        if answered is None:
            self.alerts.tell(
                association.address,
                "unknown called AE title",
                called_ae_title=_title(request.called_ae_title),
                calling_ae_title=_title(request.calling_ae_title),
            )
            return Rejection.CALLED_AE_TITLE
        requestor = _requestor(association, request, answered)
        context, seen, began = self._context(requestor), seen_by(self.gate), self.gate.clock.monotonic()
        admitted = self._authenticate(answered.scope, requestor, context)
        if isinstance(admitted, Rejection):
            return admitted
        lacking = self.gate.policies.demands(answered.scope, admitted.subject, context).for_anything()
        if lacking is not None:
            self._record_lacking(admitted, context, lacking)
            time.sleep(until_next_step(self.gate.clock.monotonic() - began))
            return Rejection.NOT_AUTHENTICATED
        return self._seat(association, answered, requestor, admitted, context, seen)

    def _authenticate(
        self, scope: TenantScope, requestor: Requestor, context: Context
    ) -> Admitted | Rejection:
        result = self.gate.door.admit(scope, requestor, context)
        if isinstance(result, AuthenticationFailed):
            is_busy = result.kind in {FailureKind.BUSY, FailureKind.UNAVAILABLE}
            return Rejection.CONGESTION if is_busy else Rejection.NOT_AUTHENTICATED
        return result

    def _record_lacking(self, admitted: Admitted, context: Context, lacking: Strength) -> None:
        actor = actor_of(admitted.subject, context)
        circumstances = Circumstances(context, actor, admitted.subject.tenant)
        reason = Reason(ReasonCode.STEP_UP_REQUIRED, strength=lacking)
        self.gate.trail.record(circumstances.denial((reason,)))

    def _seat(
        self,
        association: GateAssociation,
        answered: AnsweredAe,
        requestor: Requestor,
        admitted: Admitted,
        context: Context,
        seen: Seen,
    ) -> Standing | Rejection:
        name, tenant = admitted.subject.name, admitted.subject.tenant
        if not self.places.seat(association, f"{tenant}/{name}"):
            cause = f"too many associations of `{name}`"
            self.alerts.tell(requestor.address, cause, ReasonCode.LOCKED_OUT, tenant)
            return Rejection.LIMIT
        extended = self._agreed(association)
        established = Established(self.gate, association, answered, requestor, admitted, Event(), extended)
        standing = Standing(established, context, seen)
        bound = standing.exchange(0, admitted.subject).bind()
        association.acceptor.supported_contexts = supported_contexts(
            association.requestor.requested_contexts,
            {str(uid): item for uid, item in association.requestor.role_selection.items()},
            bound,
            _served(self.gate, answered.scope),
        )
        if requestor.identity is not None and requestor.identity.wants_response:
            response = UserIdentityNegotiation()
            response.server_response = admitted.response or b""
            association.acceptor.add_negotiation_item(response)
        return standing

    def _agreed(self, association: GateAssociation) -> dict[str, bytes]:
        """What is agreed about classes beyond their contexts; said in the acceptance."""
        relational = self.gate.settings.relational_queries
        agreed: dict[str, bytes] = {}
        for sop_class_uid, requested in association.requestor.sop_class_extended.items():
            answer = extended_negotiation.answered(str(sop_class_uid), requested, relational=relational)
            if answer:
                agreed[str(sop_class_uid)] = answer
                item = SOPClassExtendedNegotiation()
                item.sop_class_uid = sop_class_uid
                item.service_class_application_information = answer
                association.acceptor.add_negotiation_item(item)
        return agreed

    def _context(self, requestor: Requestor) -> Context:
        return Context(
            now=self.gate.clock.now(),
            request_id=new_association_name(),
            client_address=requestor.address,
            network=self.gate.settings.network_of(requestor.address),
            calling_ae_title=requestor.calling_ae_title,
            called_ae_title=requestor.called.ae_title,
        )


def _served(gate: DimseGate, scope: TenantScope) -> frozenset[ServiceKind]:
    """The services that there are for a tenant: some need a neighbour that it may not have."""
    needs = {ServiceKind.WORKLIST: gate.worklists, ServiceKind.PROCEDURE_STEP: gate.procedure_steps}
    return frozenset(kind for kind in HANDLERS if kind not in needs or scope in needs[kind])


def _requestor(association: GateAssociation, request: A_ASSOCIATE, answered: AnsweredAe) -> Requestor:
    shown = association.certificate
    return Requestor(
        calling_ae_title=_title(request.calling_ae_title),
        called=answered.called,
        address=association.address,
        over_tls=association.over_tls,
        certificate_sha256=None if shown is None else hashlib.sha256(shown).hexdigest(),
        identity=_identity(association.requestor.user_identity),
    )


def _title(stated: str | None) -> str:
    """An AE title as it is compared: without the spaces around it; empty if it is none."""
    title = (stated or "").strip(" ")
    return title if is_ae_title(title) else ""


def _identity(item: UserIdentityNegotiation | None) -> UserIdentity | None:
    if item is None:
        return None
    return UserIdentity(
        kind=item.user_identity_type or 0,
        primary=item.primary_field or b"",
        secondary=item.secondary_field or b"",
        wants_response=bool(item.positive_response_requested),
    )
