"""Whether somebody may see an order, which is a study that is not there yet.

An item of a worklist says what the study will say, partly under other names.  It is decided on as
that study would be when its first object came; and if the study has come in the meantime, it must be
visible as well, for people may have said of it what no order says.

Called by the worklist's door; calls the engine, the index and what is kept of study permissions.

Invariants:
- an order is shown exactly when the engine allows `search` on the study that it will be, and on a
  part of each that it has become;
- a key that the subject may not see never decides which orders are found.

Standard: PS3.4 K.6.1 (Modality Worklist); PS3.3 C.4.10, C.4.11 (scheduled steps, requested procedures).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import Any

from pydicom.dataset import Dataset

from pacsgate.dicom.attributes import is_private, tag_of, vr_of
from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.summary import DicomJson, InstanceSummary
from pacsgate.model.actions import Action
from pacsgate.model.decision import Allow, Reason
from pacsgate.model.grant import GranteeKind
from pacsgate.model.mask import Mask
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.policy.engine import Bound
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import PERMITTED, PERMITTED_USERS
from pacsgate.policy.policy import Policy
from pacsgate.ports import StudyEntry, StudyIndex
from pacsgate.ports.study_permissions import StudyPermissions
from pacsgate.services.judge_store import incoming_facts

_STEPS = tag_of("ScheduledProcedureStepSequence")
_TAG = re.compile(r"[0-9A-F]{8}", re.ASCII)
_OF_STEPS: Mapping[str, str] = {
    "Modality": "Modality",
    "StudyDate": "ScheduledProcedureStepStartDate",
    "StudyTime": "ScheduledProcedureStepStartTime",
    "PerformingPhysicianName": "ScheduledPerformingPhysicianName",
}
"""What a study will say, and where its scheduled steps say it."""
_OF_ORDER: Mapping[str, str] = {"StudyDescription": "RequestedProcedureDescription"}
"""What a study will say, and where its order says it."""


def needed_of_orders(policy: Policy) -> Iterator[tuple[str, ...]]:
    """The paths (as tags) of all that decisions on orders may look at; private elements are not asked for."""
    for keyword in ("StudyInstanceUID", "PatientID", "IssuerOfPatientID", *_OF_ORDER.values()):
        yield (tag_of(keyword),)
    for keyword in _OF_STEPS.values():
        yield _STEPS, tag_of(keyword)
    sources = [source.path for each in policy.declarations.values() for source in each.sources]
    for path in (*sources, *(pattern.path for pattern in policy.label_patterns)):
        if all(_TAG.fullmatch(tag) and not is_private(tag) for tag in path):
            yield path


@dataclass(frozen=True, slots=True)
class Shown:
    """An order may be shown: what of it is hidden, and why the rest is not."""

    mask: Mask
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class OrderJudge:
    """Judges the orders of one search."""

    index: StudyIndex
    permissions: StudyPermissions
    scope: TenantScope
    archive: ArchiveName
    bound: Bound
    keys: frozenset[str]
    """The keywords that the search matches on."""

    def rule(self, order: Dataset) -> Shown | None:
        """What of an order is shown; `None` if nothing is.  Raises `RequestError` for what is no order."""
        header = to_json(order)
        uid = _text(header, "StudyInstanceUID")
        decision = self.bound.decide(Action.SEARCH, self._facts(header, uid))
        if not isinstance(decision, Allow):
            return None
        mask = decision.mask
        for study in self.index.studies(self.scope, self.archive, uid) if uid else ():
            shown = [part.mask for part in self._shown(study)]
            if not shown:
                return None
            mask |= reduce(and_, shown)
        return None if any(map(mask.hides, self.keys)) else Shown(mask, decision.reasons)

    def _shown(self, study: StudyEntry) -> Iterator[Allow]:
        for series in study.series:
            decision = self.bound.decide(Action.SEARCH, study.facts_of(series))
            if isinstance(decision, Allow):
                yield decision

    def _facts(self, header: DicomJson, uid: str) -> ResourceFacts:
        facts = incoming_facts(self.bound.policy, _first_object(header, uid), {})
        permitted: dict[str, set[str]] = {PERMITTED.name: set(), PERMITTED_USERS.name: set()}
        for permission in self.permissions.of_study(self.scope, uid) if uid else ():
            of_user = permission.grantee_kind is GranteeKind.USER
            permitted[(PERMITTED_USERS if of_user else PERMITTED).name].add(str(permission.holding))
        said = {name: frozenset(holdings) for name, holdings in permitted.items() if holdings}
        return replace(facts, study={**facts.study, **said})


def _first_object(header: DicomJson, uid: str) -> InstanceSummary:
    """The order as the first object of its study, whose series and class nobody knows."""
    return InstanceSummary(
        study_instance_uid=uid,
        series_instance_uid="",
        sop_instance_uid="",
        sop_class_uid="",
        patient_id=_text(header, "PatientID"),
        issuer_of_patient_id=_text(header, "IssuerOfPatientID"),
        transfer_syntax_uid="",
        number_of_frames=0,
        study={},
        series={},
        instance={},
        header={**_foreseen(header), **header},
    )


def _foreseen(header: DicomJson) -> DicomJson:
    """What the study will say and the order says elsewhere."""
    steps = [step for step in header.get(_STEPS, {}).get("Value", ()) if isinstance(step, Mapping)]
    said = {
        **{keyword: _united(steps, source) for keyword, source in _OF_STEPS.items()},
        **{keyword: _united([header], source) for keyword, source in _OF_ORDER.items()},
    }
    return {
        tag_of(keyword): {"vr": vr_of(keyword), "Value": values} for keyword, values in said.items() if values
    }


def _united(items: Iterable[DicomJson], keyword: str) -> list[Any]:
    """Every value that some items have, each once."""
    values: list[Any] = []
    for item in items:
        values += [each for each in item.get(tag_of(keyword), {}).get("Value", ()) if each not in values]
    return values


def _text(header: DicomJson, keyword: str) -> str:
    values = header.get(tag_of(keyword), {}).get("Value", ())
    return str(values[0]) if values and values[0] is not None else ""
