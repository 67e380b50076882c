"""A group of hospitals, made up: who did which study, when, and what of it decides who may see it.

24 sites of very different size (Zipf) with two institutions each, 20 departments with two to four
modalities, labels that have nothing to do with all that, 20 years of dates, of which one study in
twenty arrives late.  One site was closed 14 years ago.  The same number of studies always makes the
same world.

Called by `loading`, `subjects`.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import NamedTuple

SITES = tuple(f"site{number:02}" for number in range(24))
DEPARTMENTS = tuple(f"department{number:02}" for number in range(20))
CLOSED_SITE = SITES[5]
LABELS = {"confidential": 0.03, "vip": 0.003, "research": 0.06, "teaching": 0.00025}
"""How likely a study has each.  Teaching files are what is scattered over all kinds."""
REPORTED = 0.2
"""How many studies have a series of structured reports."""
REFERRERS = 5_000
_FIRST_DAY = date(2006, 1, 1)
_DAYS = 20 * 365
_CLOSED_AFTER = 6 * 365
_LATE = 0.05
_SEED = 20251121
_MODALITIES = ("CT", "MR", "US", "XA", "NM", "PT", "MG", "CR")
_STUDIES_PER_PATIENT = 4


class Likeness(NamedTuple):
    """Everything that studies of one kind have in common."""

    site: str
    institution: str
    department: str
    modalities: tuple[str, ...]
    labels: tuple[str, ...]
    reported: bool


@dataclass(frozen=True, slots=True)
class WorldStudy:
    """One study of the world by its number, which counts from 1 in the order of arrival."""

    number: int
    likeness: Likeness
    day: date
    second: int
    patient: int
    referrer: int

    @property
    def study_date(self) -> str:
        """As DICOM writes it."""
        return f"{self.day:%Y%m%d}"

    @property
    def study_time(self) -> str:
        """As DICOM writes it, with a fraction, by which it cannot be taken for anything else."""
        minutes, seconds = divmod(self.second, 60)
        return f"{minutes // 60:02}{minutes % 60:02}{seconds:02}.{self.number % 1_000_000:06}"


def world(count: int) -> Iterator[WorldStudy]:
    """That many studies in the order in which they arrived."""
    chance = random.Random(_SEED)
    sites = _cumulated(1 / (rank + 1) for rank in range(len(SITES)))
    departments = _cumulated(1 / (rank + 3) for rank in range(len(DEPARTMENTS)))
    offered = {
        department: tuple(chance.sample(_MODALITIES, chance.randint(2, 4))) for department in DEPARTMENTS
    }
    days = [_FIRST_DAY + timedelta(days=number) for number in range(_DAYS + 1)]
    for number in range(1, count + 1):
        arrived = number * _DAYS // count
        happened = arrived if chance.random() >= _LATE else chance.randint(0, arrived)
        site = chance.choices(SITES, cum_weights=sites)[0]
        if site == CLOSED_SITE and happened > _CLOSED_AFTER:
            site = SITES[0]
        department = chance.choices(DEPARTMENTS, cum_weights=departments)[0]
        modalities = offered[department]
        done = (modalities[int(chance.random() * len(modalities))],)
        if chance.random() < 0.1:
            done = tuple(sorted({done[0], modalities[0]}))
        likeness = Likeness(
            site,
            f"{site}-{'north' if offered[department][0] < 'MR' else 'south'}",
            department,
            done,
            tuple(label for label, share in LABELS.items() if chance.random() < share),
            chance.random() < REPORTED,
        )
        yield WorldStudy(
            number,
            likeness,
            days[happened],
            int(chance.random() * 86_400),
            1 + int(chance.random() * max(1, count // _STUDIES_PER_PATIENT)),
            int(chance.random() * REFERRERS),
        )


def _cumulated(weights: Iterator[float]) -> list[float]:
    return list(accumulate(weights))
