"""axe-core, which finds what keeps people out of a page; from npm at a pinned version, once.

Standard: WCAG 2.2 A and AA, as far as a program can tell.
"""

import hashlib
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

PACKAGE = "axe-core@4.10.3"
SHA256 = "0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292"
SECONDS = 120
_FILE = "package/axe.min.js"
_RUN = """async () => (await axe.run(document, {
  resultTypes: ["violations"],
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})).violations"""


def axe_source(directory: Path) -> str:
    """The script, fetched into a directory of pytest's cache if it is not there yet."""
    kept = directory / "axe.min.js"
    if not kept.is_file():
        command = ["npm", "pack", PACKAGE, "--ignore-scripts", "--silent"]
        subprocess.run(command, cwd=directory, check=True, timeout=SECONDS, capture_output=True)
        (package,) = directory.glob("axe-core-*.tgz")
        assert hashlib.sha256(package.read_bytes()).hexdigest() == SHA256
        with tarfile.open(package) as archive:
            member = archive.extractfile(_FILE)
            assert member is not None
            kept.write_bytes(member.read())
    return kept.read_text("utf-8")


def findings(page: Page, source: str) -> list[str]:
    """What axe finds on a page as it stands, one line each: rule, weight, and the first element.

    The script comes by the debugger's way, which the page's own policy does not govern.
    """
    page.evaluate(source)
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return [f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]}" for each in found]
