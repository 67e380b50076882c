"""A policy that would make nearly every study a kind of its own does not become live."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pacsgate.model.errors import PolicyError
from pacsgate.model.tenant_archives import of_one_tenant
from pacsgate.policy.document import load_policy
from pacsgate.policy.policy import Policy
from pacsgate.services import guard_kinds
from pacsgate.services.guard_kinds import GuardKinds
from pacsgate.stores.study_index import SqlStudyIndex
from tests.support.databases import opened, sqlite_url
from tests.support.indexing import MAIN, SCOPE, SEEN, instance

STUDIES = 60


@pytest.fixture
def guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GuardKinds]:
    """An archive in which each study has its own order, and one of three departments."""
    monkeypatch.setattr(guard_kinds, "ENOUGH_STUDIES", STUDIES)
    with opened(sqlite_url(tmp_path)) as database:
        index = SqlStudyIndex(database)
        items = [
            instance(
                f"1.2.{number}",
                header={"AccessionNumber": f"A{number}", "InstitutionalDepartmentName": f"D{number % 3}"},
            )
            for number in range(STUDIES)
        ]
        index.ingest(SCOPE, MAIN, items, SEEN)
        yield GuardKinds(index, of_one_tenant(MAIN))


def policy(attribute: str, source: str, more: str = "") -> Policy:
    text = f"""\
version: 1
attributes:
  study.{attribute}: {{type: string, from: {source}{more}}}
roles:
  reader: {{may: [search]}}
rules:
  - {{id: own, effect: permit, roles: [reader], when: "study.{attribute} == user.name"}}
"""
    return load_policy({"policy.yaml": text}, ())


def test_an_attribute_with_a_value_for_each_study_is_named_with_its_place_and_a_way_out(
    guard: GuardKinds,
) -> None:
    with pytest.raises(PolicyError) as refused:
        guard.check(SCOPE, policy("order", "AccessionNumber"), None)
    (problem,) = refused.value.diagnostics
    assert (problem.file, problem.line) == ("policy.yaml", 3)
    assert "`study.order` has 60 different values in the latest 60 studies of archive `main`" in str(problem)
    assert "values: many" in str(problem.suggestion)


def test_the_same_attribute_declared_as_one_of_many_values_is_let_through(guard: GuardKinds) -> None:
    guard.check(SCOPE, policy("order", "AccessionNumber", ", values: many"), None)


def test_an_attribute_with_few_values_is_let_through(guard: GuardKinds) -> None:
    guard.check(SCOPE, policy("department", "InstitutionalDepartmentName"), None)


def test_what_is_live_already_is_not_asked_about(guard: GuardKinds) -> None:
    live = policy("order", "AccessionNumber")
    guard.check(SCOPE, live, live)


def test_of_few_studies_nothing_is_said(guard: GuardKinds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_kinds, "ENOUGH_STUDIES", STUDIES + 1)
    guard.check(SCOPE, policy("order", "AccessionNumber"), None)
