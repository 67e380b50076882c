"""Protocol data units: where one ends and the next begins, and how large each may be.

Bytes are fed as they arrive; a whole PDU comes out once its last byte is there.  The
length that a PDU claims is held against what its type may have before anything of it
is kept.

Called by `pacsgate.gateway.dimse.upper_layer` and `pacsgate.upstream.dimse`.

Invariants:
- no more is kept than one PDU of the largest permitted size, and what one feed brought;
- the same PDUs come out however the bytes are cut.

Standard: PS3.8 section 9.3, annex D.1 (maximum length), annex E.2 (message control header).
"""

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple


class AbortReason(IntEnum):
    """Reason/Diag. of an A-ABORT whose source is the UL service-provider (PS3.8 table 9-26)."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PARAMETER = 4
    UNEXPECTED_PARAMETER = 5
    INVALID_PARAMETER_VALUE = 6


class PduError(ValueError):
    """What arrived is no PDU that may arrive; `cause` is a word for the record."""

    def __init__(self, reason: AbortReason, cause: str) -> None:
        super().__init__(cause)
        self.reason = reason
        self.cause = cause


class PduType(IntEnum):
    """PDU-type."""

    A_ASSOCIATE_RQ = 1
    A_ASSOCIATE_AC = 2
    A_ASSOCIATE_RJ = 3
    P_DATA_TF = 4
    A_RELEASE_RQ = 5
    A_RELEASE_RP = 6
    A_ABORT = 7


ASSOCIATION_PDU_BYTES = 1 << 20
"""An A-ASSOCIATE with 128 contexts of 38 transfer syntaxes and an assertion of 64 KiB has half of it."""
_SHORT_PDU_BYTES = 4
"""A-ASSOCIATE-RJ, A-RELEASE and A-ABORT have four bytes after their header."""

_HEADER = struct.Struct(">BxL")
_VALUE_HEADER = struct.Struct(">LB")
HEADER_BYTES = _HEADER.size


class DataValue(NamedTuple):
    """One presentation data value: the message control header and a fragment of a command or data set."""

    context_id: int
    value: memoryview


class PduReader:
    """Finds PDUs in a stream of bytes; P-DATA-TF of at most `data_bytes` after their header."""

    def __init__(self, data_bytes: int) -> None:
        self._bounds = {
            PduType.A_ASSOCIATE_RQ: ASSOCIATION_PDU_BYTES,
            PduType.A_ASSOCIATE_AC: ASSOCIATION_PDU_BYTES,
            PduType.P_DATA_TF: data_bytes,
        }
        self._held = bytearray()
        self._wanted = 0
        """Length of the PDU that is arriving, with its header; 0 while its header is not whole."""

    @property
    def is_between_pdus(self) -> bool:
        """Whether nothing of another PDU has arrived."""
        return not self._held

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[bytes]:
        """Each PDU that is whole now, with its header.  Raises `PduError` at the first that may not be."""
        self._held += data
        while len(self._held) >= HEADER_BYTES:
            if not self._wanted:
                self._wanted = HEADER_BYTES + self._length()
            if len(self._held) < self._wanted:
                return
            pdu = bytes(memoryview(self._held)[: self._wanted])
            del self._held[: self._wanted]
            self._wanted = 0
            yield pdu

    def _length(self) -> int:
        number, length = _HEADER.unpack_from(self._held)
        try:
            kind = PduType(number)
        except ValueError:
            raise PduError(AbortReason.UNRECOGNIZED_PDU, "unrecognized PDU type") from None
        if length > self._bounds.get(kind, _SHORT_PDU_BYTES):
            raise PduError(AbortReason.INVALID_PARAMETER_VALUE, "PDU too long")
        return int(length)


def type_of(pdu: bytes) -> PduType:
    """The type of a whole PDU."""
    return PduType(pdu[0])


def data_values(pdu: bytes) -> Iterator[DataValue]:
    """The presentation data values of a whole P-DATA-TF.  Raises `PduError`."""
    whole = memoryview(pdu)
    position = HEADER_BYTES
    while position < len(whole):
        if len(whole) - position < _VALUE_HEADER.size:
            raise PduError(AbortReason.INVALID_PARAMETER_VALUE, "PDV cut off")
        length, context_id = _VALUE_HEADER.unpack_from(whole, position)
        end = position + 4 + length
        if length < 2 or end > len(whole):
            raise PduError(AbortReason.INVALID_PARAMETER_VALUE, "PDV of a wrong length")
        yield DataValue(context_id, whole[position + _VALUE_HEADER.size : end])
        position = end


class AbortSource(IntEnum):
    """Source of an A-ABORT (PS3.8 table 9-26)."""

    SERVICE_USER = 0
    SERVICE_PROVIDER = 2


def abort_pdu(source: AbortSource, reason: AbortReason) -> bytes:
    """An A-ABORT; its reason counts only if the service-provider is the source."""
    return struct.pack(">BxLxxBB", PduType.A_ABORT, _SHORT_PDU_BYTES, source, reason)
