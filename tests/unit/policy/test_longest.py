"""Roles that are given for a time only, as a policy says them: row L5 of the article."""

from datetime import UTC, datetime, timedelta

import pytest

from pacsgate.model.errors import PolicyError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.lint import lint
from pacsgate.policy.lint_census import Census

ROLES = """version: 1
roles:
  radiologist: {may: [search, view]}
  locum: {extends: [radiologist], longest: 14d}
  head-locum: {extends: [locum], longest: 30d}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        load_policy({"p.yaml": text})
    return [str(each) for each in raised.value.diagnostics]


def given(assignment: str) -> str:
    return f"{ROLES}assignments:\n  - {{users: [anna], {assignment}}}\n"


def test_whoever_extends_a_role_is_given_for_no_longer_than_it() -> None:
    roles = load_policy({"p.yaml": ROLES}).roles
    assert roles["radiologist"].longest is None
    assert roles["locum"].longest == roles["head-locum"].longest == timedelta(days=14)


@pytest.mark.parametrize(
    "assignment",
    [
        "roles: [locum]",
        "roles: [locum], until: 2027-01-15",
        "roles: [locum], from: 2027-01-01",
        "roles: [locum], from: 2027-01-01, until: 2027-01-15T00:00:01Z",
        "roles: [head-locum], from: 2027-01-01, until: 2027-01-16",
    ],
)
def test_a_file_gives_no_role_without_end_or_for_longer_than_it_can_be_given(assignment: str) -> None:
    (problem,) = problems(given(assignment))
    role = "head-locum" if "head" in assignment else "locum"
    assert (
        f"role `{role}` is given for 14 d at most (write `from`, and an `until` no more than 14 d" in problem
    )
    assert problem.startswith("p.yaml:7:")


def test_a_file_gives_a_role_for_just_as_long_as_it_can_be_given() -> None:
    text = given("roles: [locum], from: 2027-01-01, until: 2027-01-15")
    assert len(load_policy({"p.yaml": text}).assignments) == 1


def test_a_template_gives_no_role_for_longer_either() -> None:
    (problem,) = problems(f"""{ROLES}templates:
  standard:
    roles:
      locum-<site>: {{extends: [head-locum]}}
    assignments:
      - {{groups: [g], roles: [locum-<site>]}}
""")
    assert "role `locum-<site>` is given for 14 d at most" in problem


def test_what_is_no_span_of_time_is_said_with_its_place() -> None:
    (problem,) = problems("version: 1\nroles:\n  locum: {longest: soon}\n")
    assert problem == "p.yaml:3:20: `soon` is no span of time (write `30d` or `12h`)"


def test_lint_names_who_holds_for_good_what_is_given_for_a_time() -> None:
    policy = load_policy({"p.yaml": ROLES})
    anna = Subject(DEFAULT_TENANT, "anna", assignments=(Assignment("locum"), Assignment("radiologist")))
    ends = Assignment("locum", until=datetime(2027, 1, 1, tzinfo=UTC))
    census = Census.of(policy, [anna, Subject(DEFAULT_TENANT, "ben", assignments=(ends,))], [])
    said = [str(found) for found in lint(policy, census) if found.oddity == "held-for-good"]
    assert len(said) == 1
    assert "`anna` has role `locum` for good, which is given for 14 d at most" in said[0]


def test_a_role_that_is_kept_here_bounds_what_files_give_too() -> None:
    stored = Role("visitor", longest=timedelta(hours=12))
    with pytest.raises(PolicyError, match="role `visitor` is given for 12 h at most"):
        load_policy(
            {"p.yaml": "version: 1\nassignments:\n  - {users: [anna], roles: [visitor]}\n"}, (stored,)
        )
