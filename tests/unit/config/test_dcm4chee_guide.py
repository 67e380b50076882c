"""What docs/dcm4chee.md tells people to write is read as it stands."""

import re
from pathlib import Path

import pytest

from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings

GUIDE = Path(__file__).parents[3] / "docs" / "dcm4chee.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("part", EXAMPLES)
def test_every_part_of_a_configuration_fits_into_a_new_one(part: str, tmp_path: Path) -> None:
    config = make_installation(tmp_path / "gate")
    config.write_text(config.read_text("utf-8") + part, "utf-8")
    assert read_settings(config).archives


def test_the_guide_has_examples() -> None:
    assert len(EXAMPLES) == 2
