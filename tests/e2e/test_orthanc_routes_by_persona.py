"""Every operation of Orthanc that the gate knows, asked by people about what they see, do not see and see in part.

Each answer goes past the canary recorder, so that a status is never the only thing looked at.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.orthanc_walking import (
    KEEPER,
    MISSING,
    PASSWORD,
    Target,
    Walk,
    hire_keeper,
    keepers_canaries,
    picture_of,
    rows,
)
from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, opened_guarded

pytestmark = pytest.mark.server("orthanc")

PERSONAS = ("chief1", "rad1", "stud1", "clerk1", "CT1", "comp1", KEEPER)
TARGETS = tuple(
    Target(name, series) for name, series in (("S1", 1), ("S2", 1), ("S5", 1), ("S5", 2), ("S9", 1))
)
THIN = 5
"""In the quick lane one row of so many."""


@pytest.fixture(scope="module")
def guarded(
    furnished_orthanc: FurnishedOrthanc, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GuardedOrthanc]:
    furnished = furnished_orthanc.copy_to(tmp_path_factory.mktemp("routes"))
    hire_keeper(furnished)
    with opened_guarded(
        furnished, settings={"DicomModalities": {"other": ["OTHER", "127.0.0.1", 1]}}
    ) as running:
        keepers_canaries(running)
        yield running


def check(guarded: GuardedOrthanc, persona: str, step: int) -> None:
    before = picture_of(guarded.orthanc)
    walk = Walk(guarded, persona, PASSWORD if persona == KEEPER else None)
    walk.along(rows()[::step], (*TARGETS, Target(MISSING)))
    assert not walk.wrong, f"{walk.answered}\n" + "\n".join(walk.summary())
    assert len(walk.constant) <= 1, walk.constant
    assert picture_of(guarded.orthanc) == before


def test_some_operations_answer_as_the_oracle_says(guarded_orthanc: GuardedOrthanc) -> None:
    check(guarded_orthanc, "rad1", THIN)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("persona", PERSONAS)
def test_every_operation_answers_each_persona_as_the_oracle_says(
    guarded: GuardedOrthanc, persona: str
) -> None:
    check(guarded, persona, 1)
