"""How `runner` and `child` talk: one JSON value after another, each behind its length in bytes.

Called by both.
"""

import json
import struct
from typing import Any

LENGTH = struct.Struct(">I")
LARGEST = 4 << 20
"""An input is at most a message; an outcome of more is none that a person wrote."""


def framed(value: Any) -> bytes:
    """A value, ready to be written."""
    body = json.dumps(value).encode("utf-8")
    return LENGTH.pack(len(body)) + body


def unframed(body: bytes) -> Any:
    """What a body says."""
    return json.loads(body)
