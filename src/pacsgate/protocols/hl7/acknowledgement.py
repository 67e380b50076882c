"""The answer to a message, in the original mode of acknowledgement.

Called by the MLLP door.

Standard: HL7 v2.5.1, 2.9.2 (original mode), 2.15.8 (MSA), tables 0008 and 0357.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum

from pacsgate.protocols.hl7.message import Message


class Acknowledged(StrEnum):
    """MSA-1."""

    ACCEPTED = "AA"
    FAILED = "AE"
    """Something is wrong with the message, or went wrong with it."""
    REFUSED = "AR"
    """It is not for us, or not from whoever may send it."""


class Fault(IntEnum):
    """ERR-3, where something is wrong."""

    REQUIRED_FIELD_MISSING = 101
    DATA_TYPE = 102
    UNSUPPORTED_MESSAGE_TYPE = 200
    APPLICATION_ERROR = 207


_SEPARATORS = "|^~\\&"
_ESCAPES: Mapping[str, str] = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}


def acknowledgement(
    message: Message | None,
    code: Acknowledged,
    now: datetime,
    *,
    fault: Fault | None = None,
    comment: str = "",
) -> bytes:
    """The ACK for a message, or for one that could not be read; `comment` is a sentence for its sender."""

    def of(field: int, component: int = 1) -> str:
        return "" if message is None else _escaped(message.text("MSH", field, component))

    trigger = of(9, 2)
    header = (
        "MSH",
        _SEPARATORS[1:],
        of(5) or "pacsgate",
        of(6),
        of(3),
        of(4),
        now.strftime("%Y%m%d%H%M%S+0000"),
        "",
        f"ACK^{trigger}^ACK" if trigger else "ACK",
        f"A{of(10)}"[:20],
        of(11) or "P",
        of(12) or "2.5.1",
    )
    segments = [header, ("MSA", code.value, of(10), _escaped(comment))]
    if fault is not None:
        segments.append(("ERR", "", "", str(fault.value), "E"))
    text = "".join("|".join(segment).rstrip("|") + "\r" for segment in segments)
    return text.encode("ascii", "replace")


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(each, each) for each in text if each.isprintable())
