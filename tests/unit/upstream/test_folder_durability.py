"""In which order the embedded archive makes things durable, as the kernel sees it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pacsgate.model.resource import ArchiveName
from pacsgate.upstream.folder.archive import FolderArchive
from tests.support.objects import variant
from tests.support.servers import find_program

STORE = """
import sys
from pathlib import Path
from pacsgate.model.resource import ArchiveName, ResourceKey
from pacsgate.upstream.folder.archive import FolderArchive
archive = FolderArchive(ArchiveName("main"), Path(sys.argv[1]))
with archive.spool.begin(1 << 30) as incoming:
    incoming.write(Path(sys.argv[2]).read_bytes())
    spooled = incoming.finish()
    archive.store(ResourceKey(*sys.argv[3:6]), spooled.path, spooled.digest)
Path(sys.argv[1], "confirmed").touch()
"""


@pytest.mark.server("strace")
def test_each_name_is_made_after_what_it_names_is_durable(tmp_path: Path) -> None:
    item = variant()
    root = tmp_path / "archive"
    FolderArchive(ArchiveName("main"), root).close()
    (tmp_path / "object").write_bytes(item.data)
    trace = tmp_path / "trace"
    key = (item.key.study_instance_uid, item.key.series_instance_uid or "", item.key.sop_instance_uid or "")
    subprocess.run(
        [
            str(find_program("strace")),
            "-f",
            "-y",
            "-s",
            "400",
            "-e",
            "trace=fsync,link,linkat,openat",
            "-o",
            str(trace),
            sys.executable,
            "-c",
            STORE,
            str(root),
            str(tmp_path / "object"),
            *key,
        ],
        check=True,
    )
    assert steps(trace.read_text(), root) == [
        "sync bytes",
        "sync directory studies",
        "sync directory objects",
        "link studies",
        "sync directory studies/shard",
        "link objects",
        "sync directory objects/shard",
        "confirm",
    ]


def steps(trace: str, root: Path) -> list[str]:
    """What the trace says in our words, from the first sync of the object's bytes on."""
    found: list[str] = []
    for line in trace.splitlines():
        if synced := re.search(rf"fsync\(\d+<{root}/(\S+)>\)", line):
            parts = synced[1].split("/")
            if parts[0] == "spool":
                found.append("sync bytes")
            elif parts[0] in {"objects", "studies"}:
                found.append(f"sync directory {parts[0]}{'/shard' if len(parts) > 1 else ''}")
        elif linked := re.search(rf'link(?:at)?\(.*"{root}/(objects|studies)/', line):
            found.append(f"link {linked[1]}")
        elif f'"{root}/confirmed"' in line:
            found.append("confirm")
    return found[found.index("sync bytes") :]
