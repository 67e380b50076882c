"""`pacsgate viewer install` with an npm of our own making; the real one is used by the tests of the viewer itself."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pacsgate.cli import viewer
from pacsgate.cli.viewer_base import move_to_base
from pacsgate.model.errors import SettingsError

BUILD = {
    "index.html": '<link href="/x.css"><meta content="/x.png"><script src="/x.js">window.PUBLIC_URL="/"</script>',
    "manifest.json": '{"icons": [{"src": "/x.png"}]}',
    "app.bundle.css": "@font-face { src: url(/x.woff2) }",
    "app.bundle.0.js": "__webpack_require__.p = \"/\";\nbrowserImportFunction('/dicom-microscopy-viewer/x.js');",
}


@pytest.fixture
def search_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one directory in which programs are looked for."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}")
    return directory


def npm(directory: Path, package: Path | None) -> None:
    """An npm that delivers a package, or nothing."""
    deliver = (
        f'/bin/cp {package} "$PWD/ohif-app.tgz"' if package else 'echo "E404 no such package" >&2; exit 1'
    )
    program = directory / "npm"
    program.write_text(f"#!/bin/sh\n{deliver}\n", "utf-8")
    program.chmod(0o755)


def package(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(text.encode("utf-8"))
            archive.addfile(member, io.BytesIO(text.encode("utf-8")))
    return path


def install(target: Path, *options: str) -> Result:
    return CliRunner().invoke(viewer.app, ["install", "--directory", str(target), *options])


def test_without_npm_it_says_so(tmp_path: Path, search_path: Path) -> None:
    result = install(tmp_path / "viewer")
    assert result.exit_code == 2
    assert "npm, which is not installed" in result.stderr
    assert list(search_path.iterdir()) == []


def test_what_npm_says_is_passed_on(tmp_path: Path, search_path: Path) -> None:
    npm(search_path, None)
    result = install(tmp_path / "viewer")
    assert result.exit_code == 2
    assert "E404 no such package" in result.stderr


def test_another_package_than_the_pinned_one_is_not_installed(tmp_path: Path, search_path: Path) -> None:
    npm(search_path, package(tmp_path / "other.tgz", BUILD))
    result = install(tmp_path / "viewer")
    assert result.exit_code == 2
    assert "not the file that was pinned" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "other.tgz"]


def test_what_is_there_already_is_not_fetched_again(tmp_path: Path, search_path: Path) -> None:
    assert not (search_path / "npm").exists()
    (tmp_path / "index.html").touch()
    result = install(tmp_path, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"directory": str(tmp_path), "version": viewer.VERSION}


def test_the_build_moves_from_the_root_of_the_site_to_its_own_place(tmp_path: Path) -> None:
    for name, text in BUILD.items():
        (tmp_path / name).write_text(text, "utf-8")
    move_to_base(tmp_path)
    for name, text in BUILD.items():
        assert (tmp_path / name).read_text("utf-8") == text.replace('"/', '"/viewer/').replace(
            "(/", "(/viewer/"
        ).replace("'/", "'/viewer/")


@pytest.mark.parametrize("lacking", BUILD)
def test_another_build_is_refused(tmp_path: Path, lacking: str) -> None:
    for name, text in BUILD.items():
        (tmp_path / name).write_text("" if name == lacking else text, "utf-8")
    with pytest.raises(SettingsError, match="does not hold"):
        move_to_base(tmp_path)
