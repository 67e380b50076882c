"""Which requests a pattern such as `GET /studies/**` means.

A pattern is a method and a path with one space between them.  `ANY` is every
method.  In the path, `**` is any run of characters and `*` any run without `/`, each
possibly empty; the whole path must match, and case does not count.  What is
matched is the canonical path, as the guarded archive sees it, without its query.

Rules name patterns in conditions (`'GET /studies/**' in env.request`).  A policy knows
all that its rules name, so a request is matched against each once, and
what is left of it for binding is the set of those that matched.

Called by `policy`, `environment`, the language and the readers of foreign formats.

Invariants:
- no backtracking: a path of n characters costs at most n squared steps for each `**`, and mostly n;
- without patterns nothing is matched.

Standard: the semantics of `OrthancPathPatterns` (Research PACS on AWS).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pacsgate.model.context import RequestLine
from pacsgate.policy.findings import atoms_of
from pacsgate.policy.ir import Attribute, Contains, Formula, Scope, ValueType

REQUEST = Attribute(Scope.ENV, "request", ValueType.SET)
"""`env.request`: its elements are the patterns that the policy's own rules name."""

_ANY = "ANY"

Chunk = tuple[str, ...]
"""What stands between two `**`: fixed texts, with a `*` between each and the next."""


@dataclass(frozen=True, slots=True)
class RequestPattern:
    """One pattern, taken apart.  `method` is in capitals; `chunks` are in lower case."""

    text: str
    """As written, which is its name among the elements of `env.request`."""
    method: str
    chunks: tuple[Chunk, ...]

    def matches(self, request: RequestLine) -> bool:
        """Whether the pattern means this request."""
        return self.method in {_ANY, request.method.upper()} and self.matches_path(_folded(request.path))

    def matches_path(self, path: str) -> bool:
        """Whether a path in lower case matches."""
        first, *floating = self.chunks
        if not floating:
            return _is_whole(first, path)
        last = floating.pop()
        at = _end(first, path, 0)
        for chunk in floating:
            at = -1 if at < 0 else _next_end(chunk, path, at)
        return at >= 0 and _last_start(last, path) >= at


@dataclass(frozen=True, slots=True)
class RequestPatterns:
    """Every pattern that the rules of a policy name."""

    patterns: tuple[RequestPattern, ...] = ()
    _by_method: Mapping[str, tuple[tuple[str, RequestPattern], ...]] = field(
        init=False, repr=False, compare=False
    )
    """With the text that a path must begin with, by which most are told apart."""

    def __post_init__(self) -> None:
        methods = {_ANY, *(pattern.method for pattern in self.patterns)}
        found = {
            method: tuple(
                (each.chunks[0][0], each) for each in self.patterns if each.method in {_ANY, method}
            )
            for method in methods
        }
        object.__setattr__(self, "_by_method", found)

    def matching(self, request: RequestLine | None) -> frozenset[str] | None:
        """The patterns that mean this request; `None` where there is no request line."""
        if request is None:
            return None
        candidates = self._by_method.get(request.method.upper(), self._by_method[_ANY])
        if not candidates:
            return frozenset()
        path = _folded(request.path)
        return frozenset(
            each.text for start, each in candidates if path.startswith(start) and each.matches_path(path)
        )


def read_pattern(text: str) -> RequestPattern | None:
    """A pattern; `None` unless there is exactly one space, with something on both sides."""
    method, space, path = text.partition(" ")
    if not space or not method or not path or " " in path:
        return None
    pieces = _folded(path).split("**")
    chunks = tuple(
        _chunk(piece, after=number > 0, before=number < len(pieces) - 1)
        for number, piece in enumerate(pieces)
    )
    return RequestPattern(text, method.upper(), chunks)


def patterns_named_in(conditions: Iterable[Formula]) -> RequestPatterns:
    """Every pattern that these conditions ask `env.request` for; what is no pattern matches nothing."""
    atoms = (atom for condition in conditions for atom in atoms_of(condition))
    texts = {
        atom.element
        for atom in atoms
        if isinstance(atom, Contains) and atom.attribute == REQUEST and isinstance(atom.element, str)
    }
    read = (read_pattern(text) for text in sorted(texts))
    return RequestPatterns(tuple(pattern for pattern in read if pattern is not None))


def _folded(path: str) -> str:
    return path.lower()


def _chunk(text: str, *, after: bool, before: bool) -> Chunk:
    """The fixed texts of a chunk; a `*` beside a `**` adds nothing to it."""
    if after:
        text = text.lstrip("*")
    if before:
        text = text.rstrip("*")
    return tuple(text.split("*"))


def _end(chunk: Chunk, path: str, at: int) -> int:
    """Where the chunk ends at the earliest if it begins at `at`; -1 if it cannot."""
    first, *others = chunk
    if not path.startswith(first, at):
        return -1
    at += len(first)
    for text in others:
        slash = path.find("/", at)
        found = path.find(text, at) if slash < 0 else path.find(text, at, slash + len(text))
        if found < 0:
            return -1
        at = found + len(text)
    return at


def _next_end(chunk: Chunk, path: str, at: int) -> int:
    """Where the chunk ends at the earliest if it begins at `at` or later; -1 if it cannot."""
    return next((end for start in _starts(chunk[0], path, at) if (end := _end(chunk, path, start)) >= 0), -1)


def _starts(text: str, path: str, at: int) -> Iterator[int]:
    found = path.find(text, at)
    while found >= 0:
        yield found
        found = path.find(text, found + 1)


def _last_start(chunk: Chunk, path: str) -> int:
    """Where the chunk begins at the latest if it ends with the path; -1 if it cannot."""
    *others, last = chunk
    if not path.endswith(last):
        return -1
    at = len(path) - len(last)
    for text in reversed(others):
        found = path.rfind(text, max(path.rfind("/", 0, at) + 1 - len(text), 0), at)
        if found < 0:
            return -1
        at = found
    return at


def _is_whole(chunk: Chunk, path: str) -> bool:
    """Whether the chunk is the whole path."""
    *others, last = chunk
    if not others:
        return path == last
    at = _end(tuple(others), path, 0)
    end = len(path) - len(last)
    return 0 <= at <= end and path.endswith(last) and "/" not in path[at:end]
