"""The paper around the code says what the code says, and nothing about the machine it was written on."""

import ast
import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def files_of_the_project() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def texts_of_the_project() -> dict[str, str]:
    texts = {}
    for file in files_of_the_project():
        try:
            texts[str(file.relative_to(ROOT))] = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue
    return texts


def test_no_file_names_a_machine_or_a_package_index():
    banned = [
        re.compile(pattern)
        for pattern in (
            r"/work" + r"/(main|shared)",
            r"/opt" + r"/(wheels|pypi)",
            r"/root" + r"/",
            r"/home" + r"/[a-z]",
            r"files\.python" + r"hosted",
            r"pypi" + r"\.org",
            r"registry\.npm" + r"js",
            r"--(extra-)?index-" + r"url ",
        )
    ]
    found = [
        f"{name}: {match.group()}"
        for name, text in texts_of_the_project().items()
        for pattern in banned
        if (match := pattern.search(text))
    ]
    assert not found


def test_the_reference_pages_are_what_the_code_says():
    run = subprocess.run(
        [sys.executable, "-m", "tools.reference", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def requirement_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


def all_dependencies() -> set[str]:
    project = PROJECT["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
        PROJECT["build-system"]["requires"],
    ]
    return requirement_names([requirement for group in lists for requirement in group])


def test_every_dependency_has_its_line_and_every_line_its_dependency():
    lines = re.findall(r"^\| `([^`]+)`", (DOCS / "dependencies.md").read_text("utf-8"), re.MULTILINE)
    assert {name.lower() for name in lines} == all_dependencies()


def test_whatever_the_package_imports_it_also_asks_for():
    bringers = importlib.metadata.packages_distributions()
    project = PROJECT["project"]
    extras = (project["optional-dependencies"][name] for name in ("demo", "postgresql"))
    asked = requirement_names([*project["dependencies"], *chain.from_iterable(extras)])
    imported = {
        name.split(".")[0]
        for module in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    foreign = {name for name in imported if name in bringers and name != "pacsgate"}
    brought = {name: {one.lower().replace("_", "-") for one in bringers[name]} for name in foreign}
    assert {name for name in foreign if not brought[name] & asked} == set()


@pytest.mark.parametrize("name", ["runtime", "demo", "dev"])
def test_every_lock_file_holds_what_the_project_asks_for(name):
    locked = set(
        re.findall(
            r"^([a-z0-9._-]+)==", (ROOT / "requirements" / f"{name}.txt").read_text("utf-8"), re.MULTILINE
        )
    )
    wanted = requirement_names([*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]])
    if name != "runtime":
        wanted |= requirement_names(PROJECT["project"]["optional-dependencies"]["demo"])
    if name == "dev":
        wanted |= requirement_names(PROJECT["dependency-groups"]["dev"])
    normal = {re.sub(r"[._]", "-", one) for one in locked}
    assert {re.sub(r"[._]", "-", one) for one in wanted} <= normal


def test_every_symbol_that_the_architecture_page_lists_is_where_it_says():
    listed = re.findall(
        r"^\| `([^`]+)` \| \[`([^`]+)`\]\(\.\./([^)]+)\)",
        (DOCS / "architecture.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert len(listed) >= 10
    for symbol, shown, target in listed:
        assert shown == target
        assert (ROOT / target).is_file(), target
        module = importlib.import_module(target.removeprefix("src/").removesuffix(".py").replace("/", "."))
        assert hasattr(module, symbol), f"{symbol} is not in {target}"


def test_every_folder_of_the_package_has_its_paragraph():
    text = (DOCS / "architecture.md").read_text("utf-8")
    folders = {
        path.name for path in (ROOT / "src" / "pacsgate").iterdir() if (path / "__init__.py").is_file()
    }
    assert {folder for folder in folders if f"**`{folder}/`" not in text} == set()


def test_links_between_pages_lead_somewhere():
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "tests").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if not target.startswith(("http://", "https://", "mailto:")) and not (page.parent / target).exists()
    ]
    assert not dead


def test_the_changelog_is_one():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings
    assert headings[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}", heading) for heading in headings[1:])
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    entries = re.split(r"^- ", text, flags=re.MULTILINE)[1:]
    assert all(entry.split("\n\n")[0].rstrip().endswith(".") for entry in entries), (
        "entries are whole sentences"
    )


def test_decisions_are_numbered_without_a_gap_and_say_what_follows():
    records = sorted((DOCS / "decisions").glob("*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    for record in records:
        text = record.read_text("utf-8")
        assert [
            heading for heading in ("## Context", "## Choice", "## What follows") if heading not in text
        ] == []


def test_the_readme_names_both_lanes_and_the_way_in():
    text = (ROOT / "README.md").read_text("utf-8")
    for words in ("make demo", "make test", "make test-long", "make bench"):
        assert words in text
