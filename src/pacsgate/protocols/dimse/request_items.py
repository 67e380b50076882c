"""How much an A-ASSOCIATE-RQ may ask for, and how often, looked at before anything of it is decoded.

Decoding makes objects of every item, and whoever has not yet said who they are could ask for
tens of thousands of them in one PDU.  Here lengths are added up and nothing else is done.

Called by `pacsgate.gateway.dimse.upper_layer`.

Invariants:
- a request that passes has no more items of any kind than a sensible one could;
- it says once who asks and under which id something is proposed, so that nobody need choose.

Standard: PS3.8 9.3.2 (one application context, 1 to 128 presentation contexts, one user
information); PS3.7 annex D.3.3 (its sub-items).
"""

import struct
from collections import Counter
from collections.abc import Iterator

from pacsgate.protocols.dimse.pdus import HEADER_BYTES, AbortReason, PduError

_APPLICATION_CONTEXT, _PRESENTATION_CONTEXT, _USER_INFORMATION = 0x10, 0x20, 0x50
_MOST = {_APPLICATION_CONTEXT: 1, _PRESENTATION_CONTEXT: 128, _USER_INFORMATION: 1}
"""Their ids are odd numbers of one byte, so there are 128 contexts at most."""
_MOST_SYNTAXES = 128
"""Abstract and transfer syntaxes of one context; the standard has some fifty."""
_MOST_USER_ITEMS = 512
"""A role, an extended and a common extended negotiation for each context, and a few more."""
_ITEMS_AT = HEADER_BYTES + 68
_MAXIMUM_LENGTH, _USER_IDENTITY = 0x51, 0x58
LEAST_MAXIMUM = 128
"""Bytes that a peer takes per P-DATA-TF; less costs a header for every few bytes, and nobody asks for it."""
_CONTEXT_HEAD = 4
_ITEM = struct.Struct(">BxH")


def require_sensible(pdu: bytes) -> None:
    """Raise `PduError` for a whole A-ASSOCIATE-RQ that asks for too much, or whose items are cut off."""
    found: Counter[int] = Counter()
    context_ids: set[int] = set()
    for kind, content in _items(memoryview(pdu)[_ITEMS_AT:]):
        found[kind] += 1
        if found[kind] > _MOST.get(kind, 1):
            raise _error("too many items")
        if kind == _PRESENTATION_CONTEXT:
            _require_few(content[_CONTEXT_HEAD:], _MOST_SYNTAXES)
            _require_new(bytes(content[:1]), context_ids)
        elif kind == _USER_INFORMATION:
            _require_few(content, _MOST_USER_ITEMS)
            _require_one_of_each(content)


def _require_few(content: memoryview, most: int) -> None:
    for number, _ in enumerate(_items(content), start=1):
        if number > most:
            raise _error("too many items")


def _require_new(context_id: bytes, known: set[int]) -> None:
    number = int.from_bytes(context_id)
    if number in known:
        raise _error("a presentation context twice")
    known.add(number)


def _require_one_of_each(content: memoryview) -> None:
    """Who asks, and how much a peer takes, must not depend on which of two items is read."""
    found: set[int] = set()
    for kind, value in _items(content):
        if kind not in {_MAXIMUM_LENGTH, _USER_IDENTITY}:
            continue
        if kind in found:
            raise _error("an item twice")
        found.add(kind)
        if kind == _MAXIMUM_LENGTH and 0 < int.from_bytes(value) < LEAST_MAXIMUM:
            raise _error("too small a maximum length")


def _items(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    position = 0
    while position < len(data):
        if len(data) - position < _ITEM.size:
            raise _error("item cut off")
        kind, length = _ITEM.unpack_from(data, position)
        position += _ITEM.size
        if length > len(data) - position:
            raise _error("item cut off")
        yield kind, data[position : position + length]
        position += length


def _error(cause: str) -> PduError:
    return PduError(AbortReason.INVALID_PARAMETER_VALUE, cause)
