"""Rows of the index are filled anew when a policy makes facts otherwise, and only then."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.services.index_objects import ObjectIndexer

DEPARTMENT = """version: 1
attributes: {study.department: {type: string, from: InstitutionalDepartmentName}}
rules: [{id: a, effect: forbid, when: "study.department == 'A'"}]
"""


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    settings = read_settings(make_installation(tmp_path / "gate", policy=DEPARTMENT))
    with open_installation(settings, "test") as opened:
        yield opened


@pytest.fixture
def fills(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The archives that were filled."""
    done: list[str] = []
    monkeypatch.setattr(ObjectIndexer, "refill_declared", lambda _self, _scope, archive: done.append(archive))
    return done


def save(installation: Installation, text: str) -> None:
    installation.settings.policy.write_text(text, encoding="utf-8")
    PolicyWatch(installation).publish()


def test_a_policy_that_needs_nothing_new_costs_nothing(installation: Installation, fills: list[str]) -> None:
    save(installation, DEPARTMENT)
    assert len(fills) == 1
    save(installation, DEPARTMENT.replace("== 'A'", "== 'B'"))
    save(installation, DEPARTMENT)
    assert len(fills) == 1


def test_a_policy_that_names_something_new_has_it_filled(
    installation: Installation, fills: list[str]
) -> None:
    save(installation, DEPARTMENT)
    save(installation, DEPARTMENT.replace("study.department ==", "has(study.read_at) && study.department =="))
    assert len(fills) == 2


def test_a_policy_that_needs_less_has_nothing_filled_until_it_needs_more_again(
    installation: Installation, fills: list[str]
) -> None:
    save(installation, DEPARTMENT)
    save(installation, "version: 1\n")
    assert len(fills) == 1
    save(installation, DEPARTMENT)
    assert len(fills) == 2, "what came in between lacks the fact"


def test_a_fill_that_was_cut_off_is_begun_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ObjectIndexer, "refill_declared", cut_off)
    with pytest.raises(KeyboardInterrupt):
        save(installation, DEPARTMENT)
    done: list[object] = []
    monkeypatch.setattr(ObjectIndexer, "refill_declared", lambda *given: done.append(given))
    PolicyWatch(installation).publish()
    assert len(done) == 1, "although the revision is the live one already"
