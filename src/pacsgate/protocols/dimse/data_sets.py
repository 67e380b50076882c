"""The data sets of normalized services, as bytes and back.

Queries have a stricter reader of their own (`identifiers`); a procedure step or a list
of instances may hold anything that its information object definition allows.

Called by `pacsgate.gateway.dimse`.

Invariants:
- what is read says each thing once, at every depth: of an element that is there twice others take the
  first and we the second, and it may be handed on to them as it came.

Standard: PS3.7 6.3.1 (data sets of messages); PS3.5 annex A (transfer syntaxes).
"""

from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from pacsgate.dicom.reading import MALFORMED
from pacsgate.model.errors import RequestError
from pacsgate.protocols.dimse.elements import ENCODINGS, MAX_BYTES, read_elements

_LEAST_ELEMENT = 8
"""Bytes of an element or item: a step of a thousand images has thousands of them."""


def read_data_set(encoded: bytes, transfer_syntax_uid: str) -> Dataset:
    """Read a data set, every value of it.  Raises `RequestError`."""
    encoding = ENCODINGS.get(transfer_syntax_uid)
    if encoding is None:
        raise RequestError("data sets in this transfer syntax are not read")
    read_elements(encoded, transfer_syntax_uid, most=MAX_BYTES // _LEAST_ELEMENT)
    try:
        data_set = read_dataset(
            BytesIO(encoded), is_implicit_VR=encoding.implicit_vr, is_little_endian=encoding.little_endian
        )
        data_set.decode()
        for _ in data_set.iterall():
            pass
    except MALFORMED as error:
        raise RequestError("the data set cannot be read", detail=type(error).__name__) from None
    return data_set


def write_data_set(data_set: Dataset, transfer_syntax_uid: str) -> bytes:
    """Encode a data set of the gate's own making."""
    encoding = ENCODINGS[transfer_syntax_uid]
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = encoding.implicit_vr, encoding.little_endian
    write_dataset(buffer, data_set)
    return buffer.getvalue()
