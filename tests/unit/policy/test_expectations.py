from datetime import UTC, datetime

import pytest

from pacsgate.model.context import RequestLine
from pacsgate.model.errors import PolicyError
from pacsgate.policy.expectations import Report, run_expectations
from pacsgate.policy.language.expectations import load_expectations
from tests.unit.policy.hospital import NOON, policy

MET = """
tests:
  - name: own department
    subject: {user: rad1, roles: [radiologist], groups: [g], attributes: {department: CT-A}}
    action: view
    study: {department: CT-A, labels: []}
    series: {modality: CT}
    expect: allow
    rule: own-department
  - name: nobody without clearance
    subject: {roles: [student], attributes: {clearance: 2}}
    context: {network: internal, purpose: TREAT, now: 2026-01-01T12:00:00Z}
    archive: main
    action: search
    study: {labels: [VIP]}
    expect: deny
    rule: vip
"""


def report(text: str) -> Report:
    return run_expectations(policy(), load_expectations("t.yaml", text, policy(), NOON))


def test_expectations_that_hold_are_met_and_the_untouched_rules_are_named() -> None:
    found = report(MET)
    assert found.failures == ()
    assert found.unproven == ("clerks-search", "students")


def test_an_expectation_that_does_not_hold_comes_with_its_explanation() -> None:
    (failure,) = report(
        MET.replace("{department: CT-A, labels: []}", "{department: MR-B, labels: []}")
    ).failures
    assert failure.expectation.name == "own department"
    assert str(failure.expectation.place) == "t.yaml:3"
    assert "but not study.department == user.department" in failure.explanation.for_administrator()


def test_the_right_answer_for_another_reason_is_not_enough() -> None:
    (failure,) = report(MET.replace("rule: vip", "rule: students")).failures
    assert failure.expectation.name == "nobody without clearance"


def test_a_test_without_a_time_is_asked_now() -> None:
    first, second = load_expectations("t.yaml", MET, policy(), NOON)
    assert first.context.now == NOON
    assert second.context.now == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert first.facts.series is not None
    assert second.facts.series is None


def test_a_misspelt_name_is_an_error_and_not_a_missing_fact() -> None:
    wrong = """
tests:
  - {name: a, subject: {roles: [radiologis], attributes: {dept: x}}, action: look, study: {labels: VIP, dated: x}, expect: maybe, rule: vipp}
  - {name: b}
"""
    with pytest.raises(PolicyError) as raised:
        load_expectations("t.yaml", wrong, policy(), NOON)
    assert [each.message for each in raised.value.diagnostics] == [
        "unknown role `radiologis`",
        "unknown attribute `user.dept`",
        "unknown action `look`",
        "`study.labels` is a set",
        "unknown attribute `study.dated`",
        "unknown answer `maybe`",
        "unknown rule `vipp`",
        "a test needs `subject`",
        "a test needs `action`",
        "a test needs `study`",
        "a test needs `expect`",
    ]


def test_a_filter_that_instances_match_is_a_fact_of_their_series() -> None:
    native = """\
version: 1
roles: {r: {may: [search], owner: o}}
rules:
  - {id: ct, effect: permit, roles: [r], when: "'Modality StrEquals CT' in series.filters"}
"""
    tests = """\
tests:
  - name: however the query is spelled
    subject: {user: ann, roles: [r]}
    action: search
    study: {}
    series: {filters: [(00080060 strequals ct)]}
    expect: allow
  - name: another query
    subject: {user: ann, roles: [r]}
    action: search
    study: {}
    series: {filters: [Modality StrEquals MR]}
    expect: deny
"""
    loaded = policy(native)
    assert run_expectations(loaded, load_expectations("tests.yaml", tests, loaded, NOON)).failures == ()
    with pytest.raises(PolicyError, match="is not a set"):
        load_expectations("tests.yaml", tests.replace("strequals ct", "is ct"), loaded, NOON)


def test_what_is_asked_under_which_circumstances_is_written_down() -> None:
    text = """
tests:
  - name: all there is
    subject: {user: ann, roles: [student], authentication: 2, authenticated: 2026-03-10T11:30:00Z}
    context: {network: external, purpose: HRESCH, reason: second opinion, risk: 0.25, request: GET /studies/1.2.3}
    action: view
    study: {labels: [VIP]}
    expect: deny
"""
    (asked,) = load_expectations("t.yaml", text, policy(), NOON)
    context, subject = asked.context, asked.subject
    assert (context.network, context.purpose, context.reason, context.risk) == (
        "external",
        "HRESCH",
        "second opinion",
        0.25,
    )
    assert context.request == RequestLine("GET", "/studies/1.2.3")
    assert (subject.assurance_level, subject.authenticated_at) == (
        2,
        datetime(2026, 3, 10, 11, 30, tzinfo=UTC),
    )
    assert asked.facts.study["derived_labels"] == frozenset()


@pytest.mark.parametrize(
    ("field", "message"),
    [("risk: high", "`risk` is not a number"), ("request: /studies", "`request` is not a request")],
)
def test_circumstances_that_cannot_be_are_mistakes(field: str, message: str) -> None:
    text = f"tests:\n  - {{name: a, subject: {{roles: [student]}}, context: {{{field}}}, action: view, study: {{}}, expect: deny}}\n"
    with pytest.raises(PolicyError) as raised:
        load_expectations("t.yaml", text, policy(), NOON)
    assert [each.message for each in raised.value.diagnostics] == [message]
