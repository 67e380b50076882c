"""One object that does not leave as it is stored: something in it is hidden, or is to be decoded.

It is read whole, changed and written anew; objects that leave as stored never come here.

Called by the doors.
"""

from io import BytesIO

from pydicom.uid import UID, ImplicitVRLittleEndian

from pacsgate.dicom.frames import UndecodableFrame
from pacsgate.dicom.masking import mask_dataset
from pacsgate.dicom.reading import UNREADABLE
from pacsgate.dicom.transcoding import decompressed
from pacsgate.model.mask import Mask
from pacsgate.model.resource import ResourceKey
from pacsgate.ports import Archive


def rewritten(archive: Archive, key: ResourceKey, mask: Mask, syntax: str | None = None) -> bytes:
    """The Part 10 bytes of an object without what `mask` hides, as stored or decoded to a transfer syntax.

    `syntax` is Explicit or Implicit VR Little Endian.  Raises `ArchiveError`, `GoneError`, and
    `UndecodableFrame` for what cannot be decoded or written here.
    """
    dataset = archive.dataset(key)
    buffer = BytesIO()
    try:
        if syntax is not None:
            dataset = decompressed(dataset)
            dataset.file_meta.TransferSyntaxUID = UID(syntax)
            dataset.set_original_encoding(syntax == ImplicitVRLittleEndian, is_little_endian=True)
        if not mask.hides_nothing:
            dataset = mask_dataset(dataset, mask)
        dataset.save_as(buffer, enforce_file_format=True)
    except UNREADABLE as damage:
        raise UndecodableFrame("the object cannot be rewritten") from damage
    return buffer.getvalue()
