"""What docs/orthanc.md tells people to write is read as it stands."""

import re
from pathlib import Path

import pytest

from pacsgate.config import read_settings
from pacsgate.policy.document import load_policy

GUIDE = Path(__file__).parents[3] / "docs" / "orthanc.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
POLICIES = [example for example in EXAMPLES if example.startswith("version:")]
(WHOLE,) = [example for example in EXAMPLES if example.startswith("data:")]
PARTS = [example for example in EXAMPLES if example not in {*POLICIES, WHOLE}]


def read(directory: Path, text: str) -> None:
    file = directory / "pacsgate.yaml"
    file.write_text(text, "utf-8")
    read_settings(file)


def test_the_whole_configuration_of_the_guide_is_sound(tmp_path: Path) -> None:
    read(tmp_path, WHOLE)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_a_configuration_fits_into_the_whole(part: str, tmp_path: Path) -> None:
    keys = re.findall(r"^([a-z_]+):", part, re.MULTILINE)
    rest = WHOLE
    for key in keys:
        rest = re.sub(rf"^{key}:.*\n(?:[ -].*\n)*", "", rest, flags=re.MULTILINE)
    read(tmp_path, part + rest)


def test_the_policy_of_the_guide_is_sound() -> None:
    (policy,) = POLICIES
    assert load_policy({"policy.yaml": policy}).own_roles.keys() == {
        "administrator",
        "radiologist",
        "scanner",
    }
