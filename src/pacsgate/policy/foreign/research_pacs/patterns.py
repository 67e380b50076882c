"""The `OrthancPathPatterns` of a profile: which requests it allows, and which of those it denies.

A pattern that can never match would be a hole where it denies, so it is an error.

Called by `reader`.
"""

from dataclasses import dataclass

from pacsgate.policy.foreign.research_pacs.shapes import one_or_more
from pacsgate.policy.language.fields import fields
from pacsgate.policy.language.problems import Problems, did_you_mean, quoted
from pacsgate.policy.language.yaml_text import Node
from pacsgate.policy.request_patterns import read_pattern

_METHODS = ("ANY", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")


@dataclass(frozen=True, slots=True)
class PathPatterns:
    """The patterns of one profile, as written."""

    allow: tuple[str, ...]
    deny: tuple[str, ...]


def read_path_patterns(node: Node, problems: Problems) -> PathPatterns:
    """Read both lists; either may be left out."""
    given = fields(node, "`OrthancPathPatterns`", ("Allow", "Deny"), problems)
    return PathPatterns(_patterns(given.get("Allow"), problems), _patterns(given.get("Deny"), problems))


def _patterns(node: Node | None, problems: Problems) -> tuple[str, ...]:
    found = []
    for written, item in one_or_more(node, "a list of patterns", problems):
        pattern = read_pattern(written)
        if pattern is None:
            problems.add(
                item.position, f"{quoted(written)} is no path pattern", "write `GET /studies/**`: one blank"
            )
        elif pattern.method not in _METHODS:
            method = written.partition(" ")[0]
            problems.add(
                item.position, f"unknown method {quoted(method)}", did_you_mean(pattern.method, _METHODS)
            )
        elif not written.partition(" ")[2].startswith(("/", "*")):
            problems.add(item.position, f"{quoted(written)} matches no path", "a path begins with `/`")
        else:
            found.append(written)
    return tuple(found)
