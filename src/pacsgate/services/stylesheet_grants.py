"""dcm4chee's stylesheets turn what happens into study permissions, as they did there.

A stylesheet sees the header of an object, a procedure step or a message, and says whom to give or take
what.  What it says is read as a whole first; then each order is carried out by itself, in the order of the
document.

It stands beside the rules of the policy file (`grant_by_occurrence`): both hear of everything.

Called by whatever stores or receives, as one of `ports.Occurrences`; calls the stylesheets and
`study_permissions`.

Invariants:
- a stylesheet that fails grants nothing, and neither does one whose outcome has a mistake anywhere;
- what a procedure step or a message brings counts only from a subject that holds `GrantByOrder`;
- every failure, and every order on nothing, is on record.

Standard: none; `StudyPermissionService` of dcm4chee 2.18.3.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydicom.dataset import Dataset

from pacsgate.model.context import Context
from pacsgate.model.decision import Reason, ReasonCode
from pacsgate.model.errors import PacsgateError
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.permission import Permission
from pacsgate.model.permission_letters import actions_of
from pacsgate.model.resource import patient_key
from pacsgate.model.stylesheet import StylesheetName
from pacsgate.ports import Trail
from pacsgate.ports.occurrences import Occurrence, OccurrenceKind
from pacsgate.ports.stylesheets import Stylesheets
from pacsgate.protocols.dcm4chee.dataset_xml import dataset_xml
from pacsgate.protocols.dcm4chee.message_xml import message_xml
from pacsgate.protocols.dcm4chee.orders import Order, Verb, read_outcome
from pacsgate.protocols.hl7.message import read_message
from pacsgate.services.administration import Change
from pacsgate.services.grant_by_occurrence import failure
from pacsgate.services.live_policy import LivePolicy
from pacsgate.services.record import Circumstances, actor_of
from pacsgate.services.study_permissions import StudyPermissionAdministration

_HEARD: Mapping[OccurrenceKind, StylesheetName] = {
    OccurrenceKind.STUDY_ARRIVED: StylesheetName.SERIES,
    OccurrenceKind.SERIES_STORED: StylesheetName.SERIES,
    OccurrenceKind.PROCEDURE_STEP_CREATED: StylesheetName.PROCEDURE_STEP,
    OccurrenceKind.MESSAGE_RECEIVED: StylesheetName.MESSAGE,
}
_NO_CALLER = "UNKNOWN"
"""As dcm4chee names whoever it does not know."""


@dataclass(frozen=True, slots=True)
class StylesheetGrants:
    """The listener over one installation's stylesheets."""

    stylesheets: Stylesheets
    permissions: Callable[[], StudyPermissionAdministration]
    policies: LivePolicy
    trail: Trail

    def happened(self, occurrence: Occurrence) -> None:
        """Ask the stylesheet for what happened, and do what it says."""
        name = _HEARD[occurrence.kind]
        if not self.stylesheets.has(name) or not self._counts(occurrence, name):
            return
        try:
            outcome = read_outcome(self._run(name, occurrence))
        except PacsgateError as failed:
            self._note(occurrence, name, failed.public)
            return
        for sentence in outcome.idle:
            self._note(occurrence, name, sentence)
        for order in outcome.orders:
            try:
                self._carry_out(order, occurrence, name)
            except PacsgateError as failed:
                self._note(occurrence, name, failed.public)

    def _counts(self, occurrence: Occurrence, name: StylesheetName) -> bool:
        """Whether what happened is our own observation, or comes from somebody who may claim it."""
        if not occurrence.kind.is_claim:
            return True
        context = Context(occurrence.at, occurrence.source, calling_ae_title=occurrence.calling_ae_title)
        bound = self.policies.bind_once(occurrence.scope, occurrence.subject, context, occurrence.archive)
        if Permission.GRANT_BY_ORDER in bound.permissions:
            return True
        circumstances = Circumstances(
            context,
            actor_of(occurrence.subject, context, bound.roles),
            occurrence.scope.tenant,
            occurrence.archive,
            bound.revision,
        )
        details = {
            "permission": Permission.GRANT_BY_ORDER.value,
            "stylesheet": name.value,
            "occurrence": occurrence.kind.value,
            "source": occurrence.source,
        }
        self.trail.record(circumstances.denial((Reason(ReasonCode.NO_PERMISSION),), details=details))
        return False

    def _run(self, name: StylesheetName, occurrence: Occurrence) -> tuple[tuple[str, Mapping[str, str]], ...]:
        if occurrence.message is not None:
            return self.stylesheets.run(name, message_xml(read_message(occurrence.message)), None)
        if occurrence.data_set is None:
            return ()
        calling = _calling(occurrence, occurrence.data_set) or _NO_CALLER
        return self.stylesheets.run(name, dataset_xml(occurrence.data_set), calling)

    def _carry_out(self, order: Order, occurrence: Occurrence, name: StylesheetName) -> None:
        change = Change(
            occurrence.scope,
            actor_of(occurrence.subject, Context(occurrence.at, occurrence.source)),
            occurrence.at,
        )
        origin = f"stylesheet {name}: {occurrence.kind} {occurrence.source}"
        do = self.permissions().grant if order.verb is Verb.GRANT else self.permissions().revoke
        do(
            change,
            grantee=(GranteeKind.ROLE, order.role),
            target=_target(order),
            actions=actions_of(order.letters),
            origin=origin,
        )

    def _note(self, occurrence: Occurrence, name: StylesheetName, sentence: str) -> None:
        """Record what did not become of a stylesheet."""
        digest = self.stylesheets.digest(name)
        details = {"stylesheet": name.value, "digest": digest, "why": sentence}
        self.trail.record(failure(occurrence, details))


def _calling(occurrence: Occurrence, data_set: Dataset) -> str | None:
    """Who stores; of a procedure step, the station that it names, whoever sent it."""
    if occurrence.kind is OccurrenceKind.PROCEDURE_STEP_CREATED:
        return str(data_set.get("PerformedStationAETitle") or "").strip()
    return occurrence.calling_ae_title


def _target(order: Order) -> tuple[GrantTarget, str]:
    if order.study_instance_uid is not None:
        return GrantTarget.STUDY, order.study_instance_uid
    return GrantTarget.PATIENT, patient_key(order.patient_id or "", order.issuer_of_patient_id or "")
