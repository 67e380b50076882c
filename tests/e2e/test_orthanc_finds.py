"""Random searches of `/tools/find` find through the gate what Orthanc itself finds, for who sees everything.

What is asked comes from what Orthanc has: whole values, beginnings, letters of either case, lists and ranges.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.properties.formulas import seeded
from tests.support.guarded_orthanc import GuardedOrthanc

pytestmark = [pytest.mark.server("orthanc"), pytest.mark.long]

SEES_ALL = "chief1"
SEARCHES = 400
KEYS = {
    "Patient": ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    "Study": (
        "StudyInstanceUID",
        "StudyDate",
        "AccessionNumber",
        "StudyDescription",
        "ReferringPhysicianName",
    ),
    "Series": ("SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription", "BodyPartExamined"),
    "Instance": ("SOPInstanceUID", "InstanceNumber"),
}
LEVELS = tuple(KEYS)
DATES = frozenset({"StudyDate", "PatientBirthDate"})
EXACT = DATES | {"StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SeriesNumber", "InstanceNumber"}
"""Keys in which Orthanc takes no wildcard."""


@pytest.fixture(scope="module")
def values(guarded_orthanc: GuardedOrthanc) -> dict[str, list[str]]:
    """What the archive holds of each key."""
    held: dict[str, set[str]] = {key: set() for keys in KEYS.values() for key in keys}
    for identifier in guarded_orthanc.orthanc.request("GET", "/instances").json():
        tags = guarded_orthanc.orthanc.request("GET", f"/instances/{identifier}/simplified-tags").json()
        for key, known in held.items():
            known.add(tags.get(key, ""))
    return {key: sorted(known - {""}) or ["nothing"] for key, known in held.items()}


def condition(random: Random, key: str, held: list[str]) -> str:
    value = random.choice(held)
    kinds = ["whole", "whole", "list"]
    kinds += ["range", "from"] if key in DATES else []
    # For Orthanc, who has no birth date was born before every date; DICOM finds nobody by what is missing.
    kinds += ["until"] if key == "StudyDate" else []
    kinds += [] if key in EXACT else ["beginning", "inside", "case", "one letter"]
    match random.choice(kinds):
        case "list":
            return "\\".join({value, random.choice(held)}) if key not in DATES else value
        case "range":
            return "-".join(sorted((value, random.choice(held))))
        case "from":
            return f"{value}-"
        case "until":
            return f"-{value}"
        case "beginning":
            return f"{value[: random.randint(1, len(value))]}*"
        case "inside":
            at = random.randrange(len(value))
            return f"*{value[at : at + 3].swapcase()}*"
        case "case":
            return value.swapcase()
        case "one letter":
            at = random.randrange(len(value))
            return f"{value[:at]}?{value[at + 1 :]}"
        case _:
            return value


def searches(values: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    for seed in range(SEARCHES):
        random = seeded(seed)
        level = random.choice(LEVELS)
        known = [key for above in LEVELS[: LEVELS.index(level) + 1] for key in KEYS[above]]
        keys = random.sample(known, random.choice((1, 1, 1, 2, 3)))
        query = {key: condition(random, key, values[key]) for key in keys}
        yield {"Level": level, "Query": query}


def test_random_searches_find_what_orthanc_finds(
    guarded_orthanc: GuardedOrthanc, values: dict[str, list[str]]
) -> None:
    client, sizes, wrong = guarded_orthanc.client(SEES_ALL), Counter[bool](), []
    for find in searches(values):
        there = sorted(guarded_orthanc.orthanc.request("POST", "/tools/find", json=find).json())
        answer = client.post("/tools/find", json=find)
        here = sorted(answer.json()) if answer.status_code == 200 else answer.text
        sizes[bool(there)] += 1
        if here != there:
            wrong.append(f"{find}: {len(there)} there, {here if isinstance(here, str) else len(here)} here")
    assert not wrong, "\n".join(wrong[:20])
    assert min(sizes.values()) > SEARCHES // 10
