"""Wildcard matching in time proportional to pattern times text, whatever the pattern.

`*` is any run of characters, also empty, and `?` exactly one.  A regular
expression or a naive recursion takes exponential time on `a*a*a*a*b`, and the
pattern is the peer's.

Standard: PS3.4 section C.2.2.2.4.
"""


def glob_matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches the pattern, character by character."""
    at = in_text = 0
    star, resume = -1, 0
    while in_text < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, in_text
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[in_text]):
            at += 1
            in_text += 1
        elif star >= 0:
            # The last star takes one character more; earlier ones never need to change.
            resume += 1
            at, in_text = star + 1, resume
        else:
            return False
    return all(character == "*" for character in pattern[at:])
