"""The shapes that every section is made of: fields, names, lists of names, choices.

Each function takes a node and says to `Problems` what is wrong with it; what it
returns is empty then, and reading goes on.

Called by the sections of the language.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from pacsgate.model.spans import read_span
from pacsgate.policy.language.limits import LIST_LENGTH
from pacsgate.policy.language.problems import Problems, did_you_mean, quoted
from pacsgate.policy.language.yaml_text import ListNode, MapNode, Node, TextNode, entries_of

E = TypeVar("E", bound=StrEnum)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", re.ASCII)


def fields(
    node: Node, what: str, known: Sequence[str], problems: Problems, *, required: Sequence[str] = ()
) -> Mapping[str, Node]:
    """The fields of a mapping; those that are unknown, missing or empty are problems."""
    if not isinstance(node, MapNode):
        problems.add(node.position, f"{what} must be a mapping", f"with {', '.join(known)}")
        return {}
    found: dict[str, Node] = {}
    for key, value in entries_of(node):
        if key.text not in known:
            problems.add(key.position, f"{what} has no {quoted(key.text)}", did_you_mean(key.text, known))
        elif isinstance(value, TextNode) and value.is_null:
            problems.add(key.position, f"`{key.text}` is empty", "leave it out or give it a value")
        else:
            found[key.text] = value
    for name in required:
        if name not in node.entries:
            problems.add(node.position, f"{what} needs `{name}`")
    return found


def entries(node: Node, what: str, problems: Problems) -> Iterator[tuple[TextNode, Node]]:
    """The entries of a mapping from names to something."""
    if isinstance(node, MapNode):
        yield from entries_of(node)
    else:
        problems.add(node.position, f"{what} must be a mapping from names")


def items(node: Node, what: str, problems: Problems, *, most: int = LIST_LENGTH) -> Sequence[Node]:
    """The items of a list."""
    if not isinstance(node, ListNode):
        problems.add(node.position, f"{what} must be a list", "write `[a, b]`, or one `- item` a line")
        return ()
    if len(node.items) > most:
        problems.add(node.items[most].position, f"{what} has more than {most} items")
        return ()
    return node.items


def text(node: Node, what: str, problems: Problems) -> str | None:
    """A scalar that says something, as text."""
    if not isinstance(node, TextNode):
        problems.add(node.position, f"{what} must be a text")
        return None
    if node.is_null or not node.text.strip():
        problems.add(node.position, f"{what} is empty")
        return None
    return node.text


def name(node: Node, what: str, problems: Problems) -> str | None:
    """A name that the policy gives: letters, digits and `_ . @ -`."""
    found = text(node, what, problems)
    if found is not None and not _NAME.fullmatch(found):
        problems.add(
            node.position, f"{what} {quoted(found)} is not a name", "letters, digits, `_`, `.`, `@`, `-`"
        )
        return None
    return found


def texts(node: Node, what: str, problems: Problems) -> Iterator[tuple[str, Node]]:
    """The texts of a list, each with its node."""
    for item in items(node, what, problems):
        found = text(item, f"an item of {what}", problems)
        if found is not None:
            yield found, item


def names(node: Node | None, what: str, problems: Problems) -> frozenset[str]:
    """A list of names as a set; a list that is there must name something."""
    if node is None:
        return frozenset()
    if isinstance(node, ListNode) and not node.items:
        problems.add(node.position, f"{what} names nobody", "leave it out, or name somebody")
    return frozenset(found for found, _ in texts(node, what, problems))


def choice(found: str, choices: type[E], node: Node, what: str, problems: Problems) -> E | None:
    """One word of a closed list."""
    if found in (known := [str(member) for member in choices]):
        return choices(found)
    problems.add(node.position, f"unknown {what} {quoted(found)}", did_you_mean(found, known))
    return None


def one_choice(node: Node, choices: type[E], what: str, problems: Problems) -> E | None:
    """A scalar that is one word of a closed list."""
    found = text(node, f"the {what}", problems)
    return None if found is None else choice(found, choices, node, what, problems)


def choices_in(node: Node, choices: type[E], what: str, problems: Problems) -> frozenset[E]:
    """A list of words of a closed list, as a set."""
    found = (choice(each, choices, item, what, problems) for each, item in texts(node, f"{what}s", problems))
    return frozenset(each for each in found if each is not None)


def truth(node: Node, what: str, problems: Problems) -> bool:
    """`true` or `false`."""
    found = text(node, what, problems)
    if found not in {None, "true", "false"}:
        problems.add(node.position, f"{what} is not a truth value", "write `true` or `false`")
    return found == "true"


def day(node: Node, what: str, problems: Problems) -> date | None:
    """A day such as `2027-01-01`."""
    found = text(node, what, problems)
    if found is None:
        return None
    try:
        return date.fromisoformat(found)
    except ValueError:
        problems.add(node.position, f"{what} is not a day", "write `2027-01-01`")
        return None


def span(
    node: Node | None, what: str, problems: Problems, *, such_as: str = "write `30d` or `12h`"
) -> timedelta | None:
    """A span of time such as `12h`."""
    found = None if node is None else text(node, what, problems)
    if node is None or found is None:
        return None
    read = read_span(found)
    if read is None:
        problems.add(node.position, f"{quoted(found)} is no span of time", such_as)
    return read


def instant(node: Node | None, what: str, problems: Problems) -> datetime | None:
    """A date (its first moment, UTC) or a date and time with its offset from UTC."""
    found = None if node is None else text(node, what, problems)
    if node is None or found is None:
        return None
    try:
        moment = datetime.fromisoformat(found)
        if len(found) > len("2027-01-01") and moment.tzinfo is None:
            problems.add(node.position, f"{what} has no offset from UTC", f"write `{found}Z`")
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        problems.add(node.position, f"{what} is not a time", "write `2027-01-01` or `2027-01-01T12:00:00Z`")
        return None
