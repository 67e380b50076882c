"""The data set of a stored file without its bulk data.

Pixel data of any length and binary values longer than the gate writes inline
are not read from the disk; their elements stay, with no value, so that metadata
can say that there is something to fetch.

Called by the archives that have the file, for metadata and summaries.
"""

from pathlib import Path

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from pacsgate.dicom.json_model import BINARY_VRS, INLINE_LIMIT, LEFT_OUT, PIXEL_TAGS
from pacsgate.dicom.reading import MALFORMED
from pacsgate.model.errors import ArchiveError


def read_header(path: Path) -> FileDataset:
    """Read a stored Part 10 file but for its bulk data.  Raises `ArchiveError`, and `FileNotFoundError`."""
    try:
        dataset = dcmread(path, defer_size=INLINE_LIMIT)
        if dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            # pydicom 3 looks for deferred values of a deflated file at their inflated positions.
            dataset = dcmread(path)
        _empty_bulk(dataset)
    except MALFORMED as damage:
        raise ArchiveError("the archive holds a damaged object", detail=type(damage).__name__) from None
    if not isinstance(dataset, FileDataset):
        raise ArchiveError("the archive holds a damaged object", detail="media directory")
    return dataset


def _empty_bulk(dataset: Dataset) -> None:
    for tag in list(dataset.keys()):
        item: object = dataset.get_item(tag, keep_deferred=True)
        if isinstance(item, RawDataElement) and _is_bulk(item):
            vr = _binary_vr(item)
            dataset[tag] = DataElement(tag, vr, LEFT_OUT if vr == "UN" else None)
            continue
        element = dataset[tag]
        if element.VR == "SQ":
            for nested in element.value or ():
                _empty_bulk(nested)


def _is_bulk(item: RawDataElement) -> bool:
    if f"{item.tag:08X}" in PIXEL_TAGS:
        return True
    value: bytes | None = item.value  # deferred values are `None`, whatever pydicom's annotation says
    is_long = value is None or len(value) > INLINE_LIMIT
    return item.length != 0 and is_long and _binary_vr(item) in BINARY_VRS


def _binary_vr(item: RawDataElement) -> str:
    """The VR of a raw element; the dictionary, or a reader that asked it, may say `OB or OW`."""
    if item.VR is not None and item.VR != "UN":
        return item.VR.removeprefix("OB or ")
    try:
        return dictionary_VR(item.tag).removeprefix("OB or ")
    except KeyError:
        return "UN"
