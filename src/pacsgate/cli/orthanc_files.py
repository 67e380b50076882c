"""Orthanc's own configuration, read as Orthanc reads it: one file, or all JSON files of a directory.

Called by `orthanc`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from pacsgate.cli.printing import Json
from pacsgate.model.errors import SettingsError
from pacsgate.policy.foreign.commented_json import parse_commented_json
from pacsgate.policy.language.problems import Problems
from pacsgate.policy.language.yaml_text import ListNode, MapNode, Node, TextNode


def read_orthanc_configuration(place: Path) -> Mapping[str, Json]:
    """All sections.  Raises `SettingsError`, also for a section that two files have, and `PolicyError`."""
    sections: dict[str, Json] = {}
    files = sorted(place.glob("*.json")) if place.is_dir() else [place]
    if not files:
        raise SettingsError(f"there is no JSON file in `{place}`")
    for file in files:
        found = _read(file)
        twice = sorted(sections.keys() & found.keys())
        if twice:
            raise SettingsError(f"`{file}` has the section `{twice[0]}`, and so has another file beside it")
        sections.update(found)
    return sections


def _read(file: Path) -> dict[str, Json]:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot read `{file}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"cannot read `{file}`: it is not UTF-8 text") from error
    problems = Problems()
    node = parse_commented_json(str(file), text, problems)
    problems.raise_if_any()
    if not isinstance(node, MapNode):
        raise SettingsError(f"`{file}` holds no object of settings")
    return {name: _value(value) for name, (_, value) in node.entries.items()}


def _value(node: Node) -> Json:
    match node:
        case MapNode():
            return {name: _value(value) for name, (_, value) in node.entries.items()}
        case ListNode():
            return [_value(item) for item in node.items]
        case TextNode(text=text, plain=plain):
            value: Json = json.loads(text) if plain else text
            return value
        case _:
            assert_never(node)
