"""Trees of YAML nodes as plain values, so that two readings can be compared."""

from typing import Any

from pacsgate.policy.language.problems import Problems
from pacsgate.policy.language.yaml_text import ListNode, MapNode, Node, TextNode, _parsed


def read(text: str, *, pure: bool) -> Any:
    """What one of the two readers makes of a text, places included; `None` if it refuses it."""
    problems = Problems()
    root = _parsed("p", text, problems, pure=pure)
    return None if root is None or problems.found else plain(root)


def plain(node: Node) -> Any:
    place = (node.position.line, node.position.column)
    match node:
        case TextNode(text="", plain=True):
            return None  # where nothing stands, one reader says before the blanks and one after
        case TextNode():
            return (place, node.text, node.plain, node.raw.strip())
        case ListNode():
            return (place, [plain(item) for item in node.items])
        case MapNode():
            return (place, [(plain(key), plain(value)) for key, value in node.entries.values()])
