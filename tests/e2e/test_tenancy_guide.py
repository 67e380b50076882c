"""docs/tenancy.md is done, line by line, in an empty directory, and says what it says it would."""

import os
import re
import shutil
import sys
from pathlib import Path
from subprocess import run

import pytest
from pydicom.data import get_testdata_file

from tests.support.ports import free_ports

GUIDE = Path(__file__).parents[2] / "docs" / "tenancy.md"
BLOCKS = re.findall(r"^```(sh|yaml|ini)\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
PORT = "8042"
SERVERS = {"pacsgate serve\n": "pacsgate serves", "pacsgate agent --env-file agent.env\n": "agent started"}
"""What runs in a terminal of its own, and what it says when it is ready."""
NOTHING = "(nothing)"
START_SECONDS = 60
PATIENCE_SECONDS = 400


def script(port: int) -> tuple[str, dict[int, str]]:
    """The guide as a script that marks each line's output, and what each line should say."""
    lines = ["trap 'kill $(jobs -p); wait' EXIT"]
    expected: dict[int, str] = {}
    for kind, text in BLOCKS:
        match kind:
            case "sh" if text in SERVERS:
                log = f"terminal-{len(lines)}.log"
                lines += [
                    f"timeout {PATIENCE_SECONDS} {text.strip()} > {log} 2>&1 &",
                    f"for i in $(seq {START_SECONDS}0); do grep -q '{SERVERS[text]}' {log} && break; sleep 0.1; done",
                ]
            case "sh":
                for line in text.splitlines():
                    if "# → " in line:
                        expected[len(lines)] = line.partition("# → ")[2].strip()
                    lines += [f"echo; echo '@@{len(lines)}@@'", line]
            case "yaml" if text.startswith("archives:"):
                lines.append(f"sed -i '/^archives:/,/^  main:/d; s/port: {PORT}/port: {port}/' pacsgate.yaml")
                lines.append(f"cat >> pacsgate.yaml <<'EOF'\n{text}EOF")
            case "yaml":
                lines.append(f"cat > north.yaml <<'EOF'\n{text}EOF")
            case _:
                lines.append(f"cat > agent.env <<'EOF'\n{text}EOF")
    return "\n".join(lines).replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{port}") + "\n", expected


@pytest.mark.long
@pytest.mark.timeout(PATIENCE_SECONDS)
def test_whoever_follows_the_guide_sees_what_it_says(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    text, expected = script(port)
    (tmp_path / "gate").mkdir()
    shutil.copy(get_testdata_file("CT_small.dcm"), tmp_path / "gate" / "image.dcm")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = run(
        ["bash", "-c", text],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    said = dict(zip(*[iter(re.split(r"^@@(\d+)@@$", done.stdout, flags=re.MULTILINE)[1:])] * 2, strict=True))
    assert len(expected) >= 20
    for number, wanted in expected.items():
        came = said[str(number)].strip()
        assert came == "" if wanted == NOTHING else wanted in came, (
            text.splitlines()[number],
            came,
            done.stderr,
        )
