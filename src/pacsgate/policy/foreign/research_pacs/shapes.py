"""The one shape that the permissions file has and our own language has not: a text or a list of texts.

Called by the modules beside it.
"""

from collections.abc import Iterator

from pacsgate.policy.language.fields import items, text
from pacsgate.policy.language.problems import Problems
from pacsgate.policy.language.yaml_text import Node, TextNode


def one_or_more(node: Node | None, what: str, problems: Problems) -> Iterator[tuple[str, TextNode]]:
    """Each text with its node."""
    if node is None:
        return
    for item in [node] if isinstance(node, TextNode) else items(node, what, problems):
        found = text(item, f"an item of {what}" if item is not node else what, problems)
        if found is not None and isinstance(item, TextNode):
            yield found, item
