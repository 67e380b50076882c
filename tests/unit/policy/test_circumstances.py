from dataclasses import replace

from pacsgate.policy.circumstances import MOST, circumstances
from tests.unit.policy.hospital import INSIDE, policy

HEAD = """version: 1
attributes: {user.area: {type: string}}
roles: {r: {may: [view]}}
rules:
"""


def told_apart(*conditions: str, networks: tuple[str, ...] = ("internal", "vpn", "external")):
    rules = "".join(
        f'  - {{id: r{number}, effect: permit, roles: [r], when: "{condition}"}}\n'
        for number, condition in enumerate(conditions)
    )
    return circumstances((policy(HEAD + rules),), INSIDE, networks)


def test_what_no_rule_looks_at_is_asked_about_once() -> None:
    assert told_apart("study.uid == '1'") == ((INSIDE,), True)


def test_zones_are_told_apart_as_far_as_some_rule_does() -> None:
    found, _ = told_apart("env.network == 'vpn'")
    assert [context.network for context in found] == ["internal", "vpn"]
    found, _ = told_apart("env.network == user.area")
    assert {context.network for context in found} == {"internal", "vpn", "external"}


def test_a_purpose_that_some_rule_names_is_asked_for() -> None:
    found, _ = told_apart("env.purpose == 'HRESCH'")
    assert [context.purpose for context in found] == ["TREAT", "HRESCH"]


def test_hours_that_some_rule_tells_apart_are_found_within_a_week() -> None:
    found, _ = told_apart("env.hour == 3 && env.weekday == 'sun'")
    moments = [(context.now.hour == 3, context.now.strftime("%a") == "Sun") for context in found]
    assert sorted(moments) == [(False, False), (False, True), (True, False), (True, True)]


def test_a_request_that_a_pattern_means_is_asked_about() -> None:
    found, _ = told_apart("'GET /studies/**' in env.request")
    assert [context.request and context.request.path for context in found] == [None, "/studies/xx"]


def test_the_one_asked_about_comes_first() -> None:
    rules = "rules: [{id: a, effect: permit, roles: [r], when: env.hour == 3}]\n"
    loaded = policy(HEAD.replace("rules:\n", rules))
    asked = replace(INSIDE, now=INSIDE.now.replace(hour=3))
    assert circumstances((loaded,), asked, ())[0][0] == asked


def test_there_is_an_end_and_it_is_said() -> None:
    names = tuple(f"zone{number}" for number in range(100))
    found, is_all = told_apart("env.network == user.area", networks=names)
    assert (len(found), is_all) == (MOST, False)
