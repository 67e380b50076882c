"""Which roles a stylesheet writes out, and for what: they must exist, and may, before it can give them that.

A role or an action that the stylesheet computes cannot be known beforehand; that there are such is said.

Called by `reader`.

Standard: none; the contract of dcm4chee 2.18.3's stylesheets.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from pacsgate.model.permission_letters import LETTERS
from pacsgate.policy.foreign.dcm4chee.xml_files import line_of
from pacsgate.policy.language.problems import Position

_GRANT = "grant"
_XSLT = "{http://www.w3.org/1999/XSL/Transform}"


@dataclass(frozen=True, slots=True)
class WrittenGrant:
    """One `grant`: the role and the letters as they are written out; `None` where they are computed."""

    role: str | None
    letters: str | None
    position: Position


def written_grants(root: etree._Element, file: str) -> Iterator[WrittenGrant]:
    """Every `grant` of a stylesheet."""
    for element in root.iter(etree.Element):
        if etree.QName(element).localname == _GRANT and not element.prefix:
            role, action = _written(element, "role"), _written(element, "action")
            letters = None if action is None else "".join(each for each in LETTERS if each in _split(action))
            yield WrittenGrant(role, letters, Position(file, line_of(element), 1))


def _written(element: etree._Element, name: str) -> str | None:
    """The text of an attribute, or of the `xsl:attribute` that stands for it; `None` if it is computed."""
    value = element.get(name)
    if value is not None:
        return None if "{" in value else value.strip()
    for child in element.iterchildren(f"{_XSLT}attribute"):
        if child.get("name") == name and not len(child):
            return (child.text or "").strip() or None
    return None


def _split(action: str) -> list[str]:
    return [letter.strip() for letter in action.split(",")]
