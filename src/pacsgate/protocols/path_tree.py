"""From a method and a path to a row of a table, or to nothing.

The templates of a dialect are compiled into a tree of segments.  A literal
always goes before a variable and is never reconsidered, so that a template
cannot be reached by a name that happens to be one of its neighbours' words.

Called by the `routing` of each dialect with what `paths.canonical_path` returned; the names that
come out are still text, and the dialect's own readers say whether they are well-formed.

Invariants:
- `find` answers `None` for whatever is not in the table: unknown is denied;
- no two templates reach the same place, and one place has one name for its variable.

Standard: none; PS3.18 8.2 and Orthanc's REST API are both tables of such templates.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Row(Protocol):
    """One row of a dialect's table.

    A segment of the template is a literal, a variable `{name}`, or at the end `{name*}`: one segment or more.
    """

    @property
    def method(self) -> str:
        """The HTTP method, in upper case."""
        ...

    @property
    def template(self) -> str:
        """The path, which begins with `/`."""
        ...


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Found(Generic[R]):
    """A row with the text that the path put into its variables; `rest` is that of `{name*}`."""

    row: R
    names: tuple[tuple[str, str], ...]
    rest: tuple[str, ...] = ()


@dataclass(slots=True)
class _Node(Generic[R]):
    """What may follow one prefix of a path."""

    literals: "dict[str, _Node[R]]" = field(default_factory=dict)
    variable: "tuple[str, _Node[R]] | None" = None
    rows: dict[str, R] = field(default_factory=dict)
    rest: dict[str, R] = field(default_factory=dict)


class PathTree(Generic[R]):
    """The compiled templates of one table; `variables` are the names for which the dialect has readers."""

    def __init__(self, rows: Iterable[R], variables: Container[str]) -> None:
        self._variables = variables
        self._root: _Node[R] = _Node()
        for row in rows:
            self._add(row)

    def find(self, method: str, path: tuple[str, ...]) -> Found[R] | None:
        """Find the row for a request, or `None`, which means no.  HEAD is GET whose body is not sent."""
        method = "GET" if method == "HEAD" else method
        node = self._root
        names: list[tuple[str, str]] = []
        for position, segment in enumerate(path):
            following = node.literals.get(segment)
            if following is not None:
                node = following
            elif node.variable is not None:
                name, node = node.variable
                names.append((name, segment))
            elif method in node.rest:
                return Found(node.rest[method], tuple(names), path[position:])
            else:
                return None
        row = node.rows.get(method)
        return None if row is None else Found(row, tuple(names))

    def _add(self, row: R) -> None:
        node = self._root
        segments = [segment for segment in row.template.split("/")[1:] if segment]
        rest = bool(segments) and segments[-1].endswith("*}")
        for segment in segments[:-1] if rest else segments:
            node = self._child(node, segment)
        owned = node.rest if rest else node.rows
        if row.method in owned:
            raise ValueError(f"two rows for `{row.method} {row.template}`")
        owned[row.method] = row

    def _child(self, node: _Node[R], segment: str) -> _Node[R]:
        if not segment.startswith("{"):
            return node.literals.setdefault(segment, _Node())
        name = segment[1:-1]
        if node.variable is None:
            if name not in self._variables:
                raise ValueError(f"no reader for the variable `{name}`")
            node.variable = (name, _Node())
        if node.variable[0] != name:
            raise ValueError(f"`{node.variable[0]}` and `{name}` stand in the same place")
        return node.variable[1]
