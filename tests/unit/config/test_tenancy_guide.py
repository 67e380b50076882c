"""What docs/tenancy.md tells people to write is read as it stands."""

import re
from pathlib import Path

from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.policy.document import load_policy

GUIDE = Path(__file__).parents[3] / "docs" / "tenancy.md"
CONFIGURATION, POLICY = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_the_configuration_of_the_guide_gives_north_an_archive(tmp_path: Path) -> None:
    config = make_installation(tmp_path / "gate")
    text = re.sub(r"^archives:\n(?: .*\n)*", "", config.read_text("utf-8"), flags=re.MULTILINE)
    config.write_text(text + CONFIGURATION, "utf-8")
    assert read_settings(config).tenant_archives.of(TenantScope(TenantName("north"))) == ("north-main",)


def test_the_policy_of_the_guide_is_sound() -> None:
    assert load_policy({"north.yaml": POLICY}).roles.keys() >= {"scanner", "visiting-radiologist"}
