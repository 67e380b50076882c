"""Markdown tables and code words of generated pages.

Called by `reference` and `conformance`.
"""


def table(*rows: tuple[str, ...]) -> str:
    """Lays out a Markdown table; the first row is its head."""
    head, *body = [[" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def code(text: str) -> str:
    """Marks a word as one of code."""
    return f"`{text}`"
