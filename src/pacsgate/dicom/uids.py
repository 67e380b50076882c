"""What a unique identifier may look like, and identifiers made from names.

The check is about safety, not about pedantry: archives hold real objects whose
components have leading zeros, and refusing those would hide them.  What is
refused is whatever could be read as something else: other characters, empty
components (`..` is a path), more than 64 characters.

Invariants:
- a string that passes `is_valid_uid` is safe as a path segment and as a file name.

Standard: PS3.5 section 9.1 (form), B.2 (identifiers under 2.25).
"""

import json
import re
import uuid

from pacsgate.model.errors import RequestError

MAX_LENGTH = 64
"""PS3.5 table 6.2-1, VR UI."""

_FORM = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
_NAMESPACE = uuid.UUID("8f2c6f0e-5a0b-5d5e-9d0c-6b1f3e5a7c42")


def is_valid_uid(text: str) -> bool:
    """Whether the text has the form of a UID; leading zeros in a component are accepted."""
    return len(text) <= MAX_LENGTH and _FORM.fullmatch(text) is not None


def require_uid(text: str, name: str) -> str:
    """The text, if it has the form of a UID.  `name` is the keyword or parameter that the error names."""
    if not is_valid_uid(text):
        shown = text if len(text) <= MAX_LENGTH and text.isascii() and text.isprintable() else "…"
        raise RequestError(f"`{shown}` is not a valid UID for {name}: digits and dots, at most 64 characters")
    return text


def deterministic_uid(*parts: str) -> str:
    """A UID that is always the same for the same parts, for demonstration and test data.

    It is a name-based UUID under 2.25, so it collides with nobody's.
    """
    return f"2.25.{uuid.uuid5(_NAMESPACE, json.dumps(parts)).int}"
