"""The identifier of a response to C-MOVE or C-GET: which objects could not be sent.

Called by the DICOM door.

Standard: PS3.4 C.4.2.1.4.2 (Failed SOP Instance UID List); PS3.5 7.1.2, 6.2.2 (too long for its VR is UN).
"""

import struct
from collections.abc import Sequence

from pacsgate.protocols.dimse.elements import ENCODINGS

_GROUP, _ELEMENT = 0x0008, 0x0058
_LONGEST_UI = 0xFFFE
"""Bytes that the two-byte length of a UI can say."""


def failed_instances(uids: Sequence[str], transfer_syntax_uid: str) -> bytes:
    """The encoded data set."""
    value = "\\".join(uids).encode("ascii")
    value += b"\0" * (len(value) % 2)
    encoding = ENCODINGS[transfer_syntax_uid]
    order = "<" if encoding.little_endian else ">"
    tag = struct.pack(f"{order}HH", _GROUP, _ELEMENT)
    if encoding.implicit_vr:
        return tag + struct.pack(f"{order}L", len(value)) + value
    if len(value) > _LONGEST_UI:
        return tag + b"UN\0\0" + struct.pack(f"{order}L", len(value)) + value
    return tag + b"UI" + struct.pack(f"{order}H", len(value)) + value
