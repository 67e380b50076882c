"""Mounts in the configuration: what is wrong with them is said with its place, before anything listens."""

from pathlib import Path

import pytest

from pacsgate.config import read_settings
from pacsgate.gateway.http.mounts import Dialect, Mount
from pacsgate.model.errors import SettingsError

TEXT = """\
data: data
policy: policy.yaml
listeners:
  - {{port: 8042}}
  - {{port: 8043, mounts: {mounts}}}
archives:
  main: {{kind: orthanc, url: "http://127.0.0.1:8044"}}
  files: {{kind: folder, path: archive}}
default_archive: main
trail: {{manifest_key: keys/trail.key}}
"""


def read(tmp_path: Path, mounts: str, text: str = TEXT) -> list[Mount]:
    file = tmp_path / "pacsgate.yaml"
    file.write_text(text.format(mounts=mounts), "utf-8")
    return [mount.value for listener in read_settings(file).listeners for mount in listener.mounts]


def test_a_mount_is_read_as_the_door_takes_it(tmp_path: Path) -> None:
    mounts = (
        "[{path: /, dialect: orthanc, archive: main}, {path: /pacs/a.b, dialect: dicomweb, archive: files}]"
    )
    assert read(tmp_path, mounts) == [
        Mount(b"", Dialect.ORTHANC, "main"),
        Mount(b"/pacs/a.b", Dialect.DICOMWEB, "files"),
    ]


@pytest.mark.parametrize(
    "path",
    ["pacs", "/pacs/", "//", "/a//b", "/a b", "/%70acs", "/..", "/a/../b", "/.hidden", "/pacs?x", "''", "/ä"],
)
def test_a_path_that_could_be_read_in_two_ways_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(SettingsError, match=r"pacsgate\.yaml:5:\d+: .*is no path for a mount"):
        read(tmp_path, f"[{{path: {path}, dialect: dicomweb, archive: main}}]")


@pytest.mark.parametrize("path", ["/viewer", "/api/v2", "/healthz", "/auth", "/archives/main", "/sign-in"])
def test_a_mount_beside_the_gates_own_pages_hides_none_of_them(tmp_path: Path, path: str) -> None:
    with pytest.raises(SettingsError, match="would hide pages of the gate"):
        read(tmp_path, f"[{{path: {path}, dialect: dicomweb, archive: main}}]")
    root = "{path: /, dialect: orthanc, archive: main}"
    assert len(read(tmp_path, f"[{root}, {{path: {path}, dialect: dicomweb, archive: main}}]")) == 2


@pytest.mark.parametrize(
    ("mounts", "said"),
    [
        ("[{path: /p, dialect: dicomweb, archive: mian}]", r":5:\d+: there is no archive `mian`"),
        (
            "[{path: /p, dialect: orthanc, archive: files}]",
            r":5:\d+: `files` is of kind `folder` and no Orthanc",
        ),
        ("[{path: /p, dialect: dimse, archive: main}]", r":5:\d+: .*dialect"),
        ("[{path: /p, dialect: dicomweb}]", r":5:\d+: .*archive"),
        ("[{path: /p, dialect: dicomweb, archive: main, tls: true}]", r":5:\d+: unknown key `tls`"),
        (
            "[{path: /p, dialect: dicomweb, archive: main}, {path: /p, dialect: orthanc, archive: main}]",
            "`/p` is mounted twice",
        ),
    ],
)
def test_a_mount_of_what_is_not_there_is_refused_with_its_place(
    tmp_path: Path, mounts: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        read(tmp_path, mounts)


def test_some_listener_keeps_the_pages_by_which_people_sign_in(tmp_path: Path) -> None:
    only = TEXT.replace("  - {{port: 8042}}\n", "")
    with pytest.raises(SettingsError, match="every listener mounts `/`"):
        read(tmp_path, "[{path: /, dialect: orthanc, archive: main}]", only)
    assert len(read(tmp_path, "[{path: /pacs, dialect: dicomweb, archive: main}]", only)) == 1
