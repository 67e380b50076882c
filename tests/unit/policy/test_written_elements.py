"""Conditions that write out a request pattern or an instance filter: what they mean, and what is a mistake."""

import json
import re
from dataclasses import replace

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import RequestLine
from pacsgate.model.decision import Allow
from pacsgate.model.errors import PolicyError
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.policy.findings import Witness
from pacsgate.policy.instance_query.reading import read_query
from pacsgate.policy.instance_query.tree import canonical, query_id
from pacsgate.policy.language.limits import INSTANCE_FILTERS, REQUEST_PATTERNS
from pacsgate.policy.policy import Policy
from pacsgate.policy.reference import decide
from tests.unit.policy.hospital import INSIDE, MAIN, person, study

ONE_RULE = """\
version: 1
roles: {{r: {{may: [search, view]}}}}
rules: [{{id: a, effect: {effect}, {roles}when: {when}}}{more}]
"""


def permit(when: str) -> Policy:
    return load_policy({"p.yaml": ONE_RULE.format(effect="permit", roles="roles: [r], ", when=when, more="")})


def forbid(when: str) -> Policy:
    more = ", {id: b, effect: permit, roles: [r]}"
    return load_policy({"p.yaml": ONE_RULE.format(effect="forbid", roles="", when=when, more=more)})


READER: Subject = person("r")


def allowed(policy: Policy, request: str | None, filters: frozenset[str] | None = None) -> bool:
    """By the engine and by its slow double, which must agree."""
    method, _, path = (request or "").partition(" ")
    context = replace(INSIDE, request=RequestLine(method, path) if request else None)
    facts = study()
    if filters is not None:
        facts = replace(facts, series={**(facts.series or {}), "filters": filters})
    quick = bind(policy, READER, context, MAIN, ()).decide(Action.VIEW, facts)
    slow = decide(policy, READER, context, MAIN, (), Action.VIEW, facts)
    assert isinstance(quick, Allow) is isinstance(slow, Allow)
    return isinstance(quick, Allow)


STUDIES = "\"'GET /studies/**' in env.request\""


def test_a_permit_about_a_request_holds_for_the_requests_that_its_pattern_means() -> None:
    policy = permit(STUDIES)
    assert allowed(policy, "GET /studies/1.2")
    assert not allowed(policy, "POST /studies/1.2")
    assert not allowed(policy, "GET /series/1.2")


def test_where_there_is_no_request_line_a_permit_about_requests_gives_nothing_and_a_forbid_stands() -> None:
    assert not allowed(permit(STUDIES), None)
    assert not allowed(permit(f'"!({STUDIES[1:-1]})"'), None)
    assert not allowed(forbid(STUDIES), None)
    assert allowed(forbid(f'"has(env.request) && {STUDIES[1:-1]}"'), None)


def test_a_forbid_about_a_request_forbids_that_request() -> None:
    policy = forbid(STUDIES)
    assert not allowed(policy, "GET /studies/1.2")
    assert allowed(policy, "GET /series/1.2")


CT = query_id(read_query("Modality StrEquals CT"))


def test_a_condition_on_a_filter_holds_where_the_instances_match_its_query() -> None:
    policy = permit("\"'Modality StrEquals CT' in series.filters\"")
    assert policy.filters == {CT: read_query("Modality StrEquals CT")}
    assert allowed(policy, None, frozenset({CT}))
    assert not allowed(policy, None, frozenset({"other"}))
    assert not allowed(policy, None, frozenset())
    assert not allowed(policy, None)  # the instances have not been looked at yet


def test_a_query_that_is_written_in_another_way_is_the_same_filter() -> None:
    policy = permit("\"'(modality StrEquals ct)' in series.filters\"".replace("modality", "Modality"))
    assert policy.filters.keys() == {CT}


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("\"'GET/studies' in env.request\"", "p.yaml:3:52: `GET/studies` is no request pattern"),
        ("\"'' in env.request\"", "is no request pattern"),
        (f"\"'GET /{'a' * 200}' in env.request\"", "the pattern is longer than 200"),
        ("user.name in env.request", "holds what rules write out"),
        ("study.uid in env.request", "holds what rules write out"),
        ("user.name in series.filters", "holds what rules write out"),
        ("\"'Modality Equals CT' in series.filters\"", "p.yaml:3:52: "),
        ("\"'Modalty StrEquals CT' in series.filters\"", "keyword `Modalty` (did you mean `Modality`?)"),
    ],
)
def test_what_is_no_pattern_and_no_query_is_a_mistake(when: str, said: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(said)):
        permit(when)


def test_nobody_declares_an_attribute_over_these_sets() -> None:
    with pytest.raises(PolicyError, match=r"`series\.filters` is built in"):
        load_policy({"p.yaml": "version: 1\nattributes: {series.filters: {type: set, from: Modality}}\n"})


LONG = " OR ".join(f'StudyDescription StrEquals "{n * 9}"' for n in "abcdefgh")
"""Too long to be its own identifier."""


@pytest.mark.parametrize("query", ["Modality StrEquals MR", LONG])
def test_an_explanation_shows_the_query_and_not_its_identifier(query: str) -> None:
    policy = permit(json.dumps(f"'{query}' in series.filters"))
    (filter_id,) = policy.filters
    (rule,) = policy.rules
    written = canonical(read_query(query))
    assert (filter_id == written) is (query is not LONG)
    for held, seen in ((frozenset({filter_id}), f"{{'{written}'}}"), (frozenset(), "{}")):
        found = Witness({}, {}, replace(study(), series={"filters": held}), policy.filters)
        findings = (*found.lacking(rule.condition), *found.supporting(rule.condition))
        assert str(findings[0]) == f"'{written}' in series.filters (series.filters is {seen})"


@pytest.mark.parametrize(
    ("element", "most", "attribute"),
    [
        ("'GET /{n}' in env.request", REQUEST_PATTERNS, "env.request"),
        ("'Rows NbEquals {n}' in series.filters", INSTANCE_FILTERS, "series.filters"),
    ],
)
def test_there_is_a_bound_to_what_is_asked_of_every_request_and_object(
    element: str, most: int, attribute: str
) -> None:
    def policy_of(count: int) -> Policy:
        elements = [element.format(n=n) for n in range(count)]
        chunks = [" || ".join(elements[start : start + 100]) for start in range(0, count, 100)]
        rules = "".join(
            f"  - {{id: r{number:02}, effect: permit, roles: [r], when: {json.dumps(chunk)}}}\n"
            for number, chunk in enumerate(chunks)
        )
        return load_policy({"p.yaml": f"version: 1\nroles: {{r: {{may: [view]}}}}\nrules:\n{rules}"})

    assert len(policy_of(most).rules) == most // 100
    with pytest.raises(
        PolicyError, match=f"p.yaml:14:1: more than {most} different elements of `{attribute}`"
    ):
        policy_of(most + 1)
