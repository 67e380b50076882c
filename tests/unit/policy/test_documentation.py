"""Every example in the manual is read by the program it explains."""

import re
from pathlib import Path

import pytest

from pacsgate.policy.document import load_policy
from pacsgate.policy.expectations import run_expectations
from pacsgate.policy.language.expectations import load_expectations
from pacsgate.policy.lint import check
from tests.unit.policy.hospital import NOON

MANUAL = Path(__file__).parents[3] / "docs" / "policy.md"
PAGES = (MANUAL, MANUAL.with_name("study-permissions.md"))
EXAMPLES = [
    example
    for page in PAGES
    for example in re.findall(
        r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
]
POLICIES = [example for example in EXAMPLES if example.startswith("version:")]
EXPECTATIONS = [example for example in EXAMPLES if example.startswith("tests:")]


@pytest.mark.parametrize("example", POLICIES)
def test_every_policy_in_the_manual_is_sound(example: str) -> None:
    policy = load_policy({"policy.yaml": example})
    warnings = [str(each) for each in check(policy)]
    assert [
        warning for warning in warnings if "is in no condition" not in warning and "no rule" not in warning
    ] == []


def test_the_expectations_in_the_manual_hold_for_the_policy_they_follow() -> None:
    policy = load_policy({"policy.yaml": POLICIES[1]})
    (example,) = EXPECTATIONS
    assert run_expectations(policy, load_expectations("tests.yaml", example, policy, NOON)).failures == ()


def test_every_condition_in_the_manual_s_table_is_one() -> None:
    manual = MANUAL.read_text(encoding="utf-8")
    table = manual[manual.index("| written | means |") : manual.index("One side of a comparison")]
    conditions = re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)
    declared = """version: 1
attributes:
  study.department: {type: string, from: InstitutionalDepartmentName}
  study.title: {type: string, from: StudyDescription}
  study.sites: {type: set, from: InstitutionName}
  study.burned_in: {type: boolean, from: BurnedInAnnotation}
  user.clearance: {type: number}
  user.site: {type: string}
  user.departments: {type: set}
rules:
"""
    rules = "".join(
        f'  - {{id: r{n}, effect: forbid, when: "{text}"}}\n' for n, text in enumerate(conditions)
    )
    assert len(load_policy({"policy.yaml": declared + rules}).rules) == len(conditions) == 13
