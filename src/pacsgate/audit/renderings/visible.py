r"""Text from outside, made harmless for whoever reads it.

A patient's name may hold a line feed and a forged log line, the escape
sequence that repaints a terminal, or an override that shows text backwards.
Those characters are written as `\uXXXX`, everything else stays as it is.  The
result is for reading; the exact text is in the canonical JSON.

Standard: ASVS 5.0 16.4.1; XML 1.0 2.2 (characters that no document may hold are among them).
"""

import re

_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # controls of ASCII and Latin-1, among them line feed, ESC and CSI
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks, embeddings, overrides and isolates of direction
    "\u2028\u2029"  # line and paragraph separator
    "\ud800-\udfff\ufeff\ufffe\uffff"  # half surrogate pairs, byte order mark, what is not a character
    "]"
)


def visible(text: str) -> str:
    """The text on one line, with every character that could act written out."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
