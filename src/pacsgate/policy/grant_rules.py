"""Which grant rules apply to what happened.

A grant rule is asked once, when something happens, and what it gives stays; so it may look at more than
other rules can: at the roles of who stored or sent, and at the message that came.  The rule applies
where its condition is `TRUE`, like a permit: what cannot be known gives nothing.

Read by `language.grant_rules`; called by `pacsgate.services.grant_by_occurrence`.

Invariants:
- facts are made of an object exactly as the index makes them, of what grant rules name and nothing else.
"""

from collections.abc import Iterator
from dataclasses import replace

from pacsgate.dicom.summary import DicomJson
from pacsgate.model.decision import Effect
from pacsgate.model.occurrence import OccurrenceKind
from pacsgate.model.subject import Attributes
from pacsgate.policy.binding import bind_formula
from pacsgate.policy.declared import declared_facts
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.ir import Attribute, Scope, Truth, ValueType
from pacsgate.policy.policy import GrantRule, Policy, Rule
from pacsgate.policy.truth import evaluate

USER_ROLES = Attribute(Scope.USER, "roles", ValueType.SET)
"""The roles in effect of who stored or sent."""

_MESSAGE = "message_"
MESSAGE_NAMES = (
    *("type", "sending_application", "sending_facility", "patient_id", "study_uid", "accession_number"),
    *("placer_order_number", "filler_order_number", "procedure_code", "ordering_provider"),
    *("ordering_facility", "patient_class", "ward", "attending_doctor", "referring_doctor"),
    "hospital_service",
)
"""What a condition may ask an HL7 message for, as `message.type`."""
MESSAGE_ATTRIBUTES = {
    f"message.{name}": Attribute(Scope.ENV, _MESSAGE + name, ValueType.STRING) for name in MESSAGE_NAMES
}


def message_attributes(message: Attributes) -> Attributes:
    """What was found in a message, as circumstances that a condition sees."""
    return {_MESSAGE + name: values for name, values in message.items()}


def as_rules(policy: Policy) -> Policy:
    """The policy with its grant rules for its rules: what is made of objects for it is what they name."""
    known = policy.memory.get(as_rules)
    if not isinstance(known, Policy):
        rules = tuple(
            Rule(each.rule_id, Effect.PERMIT, each.place, each.condition) for each in policy.grant_rules
        )
        known = policy.memory[as_rules] = replace(policy, rules=rules, grant_rules=())
    return known


def facts_of_header(policy: Policy, header: DicomJson, origin: Attributes) -> ResourceFacts:
    """What grant rules may know of a study and a series by one header of it."""
    study, series = declared_facts(as_rules(policy), header, origin)
    return ResourceFacts({**study, **origin}, series)


def applying(
    policy: Policy, kind: OccurrenceKind, facts: ResourceFacts, user: Attributes, env: Attributes
) -> Iterator[GrantRule]:
    """The rules that apply to what happened, in the order of their ids."""
    for rule in policy.grant_rules:
        if kind in rule.on and evaluate(bind_formula(rule.condition, user, env), facts) is Truth.TRUE:
            yield rule
