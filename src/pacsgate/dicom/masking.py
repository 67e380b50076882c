"""Carries out a mask: what a subject may not see is taken out, at any depth.

- A keyword that the mask hides is hidden in every sequence too, so that a name
  does not come back as a previous value in OriginalAttributesSequence.
- Private and unknown elements have no keyword; a mask that shows all but some
  keywords hides them, any other hides those that it names by tag.
- The identifiers that hold the hierarchy together, SOPClassUID and
  SpecificCharacterSet stay whatever the mask says.
- Pixel data stays if the mask does not hide `PixelData` (of every type), and then
  its description stays with it; else both go, and `hides_pixels` tells the doors
  that there is nothing to render.

What a mask cannot do: it does not read text for names, nor pixels, encapsulated
documents or private bytes.

Called by `services` on search answers and by the doors on metadata and objects.

Invariants:
- masking twice is masking once; the argument is never changed.
"""

import copy
from collections.abc import Mapping
from typing import Any

from pydicom.dataset import Dataset

from pacsgate.dicom.attributes import keyword_of, tag_of
from pacsgate.dicom.json_model import PIXEL_TAGS
from pacsgate.dicom.reading import UNREADABLE
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.mask import Mask

_STRUCTURE = frozenset(
    map(
        tag_of,
        (
            "SpecificCharacterSet",
            "StudyInstanceUID",
            "SeriesInstanceUID",
            "SOPInstanceUID",
            "SOPClassUID",
            "RetrieveURL",  # made by the gate from the UIDs above
            "TransferSyntaxUID",
            "FileMetaInformationVersion",
            "MediaStorageSOPClassUID",
            "MediaStorageSOPInstanceUID",
            "ImplementationClassUID",
        ),
    )
)

# PS3.3 C.7.6.3 (Image Pixel), C.7.9 (Palette Color), C.7.6.6 (Multi-frame).
_PIXEL_DESCRIPTION = frozenset(
    map(
        tag_of,
        (
            "SamplesPerPixel",
            "PhotometricInterpretation",
            "PlanarConfiguration",
            "NumberOfFrames",
            "Rows",
            "Columns",
            "PixelAspectRatio",
            "BitsAllocated",
            "BitsStored",
            "HighBit",
            "PixelRepresentation",
            "RedPaletteColorLookupTableDescriptor",
            "GreenPaletteColorLookupTableDescriptor",
            "BluePaletteColorLookupTableDescriptor",
            "RedPaletteColorLookupTableData",
            "GreenPaletteColorLookupTableData",
            "BluePaletteColorLookupTableData",
            "SegmentedRedPaletteColorLookupTableData",
            "SegmentedGreenPaletteColorLookupTableData",
            "SegmentedBluePaletteColorLookupTableData",
            "ExtendedOffsetTable",
            "ExtendedOffsetTableLengths",
        ),
    )
)


def hides_pixels(mask: Mask) -> bool:
    """Whether images are hidden, so that nothing may be rendered or sent as frames."""
    return mask.hides("PixelData")


def hides_tag(mask: Mask, tag: str) -> bool:
    """Whether the element with this tag (eight upper-case hexadecimal digits) is hidden."""
    if tag in _STRUCTURE:
        return False
    if tag in PIXEL_TAGS:
        return hides_pixels(mask)
    if tag in _PIXEL_DESCRIPTION and not hides_pixels(mask):
        return False
    return mask.hides(keyword_of(tag) or tag)


def mask_json(header: DicomJson, mask: Mask) -> dict[str, Mapping[str, Any]]:
    """The part of a DICOM JSON object that the mask leaves."""
    return {tag: _mask_element(element, mask) for tag, element in header.items() if not hides_tag(mask, tag)}


def mask_dataset(dataset: Dataset, mask: Mask) -> Dataset:
    """A copy of the data set as the mask leaves it, with its file meta information.

    The preamble, which may hold anything, is emptied.
    """
    masked = copy.deepcopy(dataset)
    if mask.hides_nothing:
        return masked
    _mask_in_place(masked, mask)
    if hasattr(masked, "file_meta"):
        _mask_in_place(masked.file_meta, mask)
    if hasattr(masked, "preamble"):
        masked.preamble = b"\0" * 128
    return masked


def _mask_element(element: Mapping[str, Any], mask: Mask) -> Mapping[str, Any]:
    if element.get("vr") != "SQ" or "Value" not in element:
        return element
    return {
        **element,
        "Value": [mask_json(item, mask) for item in element["Value"] if isinstance(item, Mapping)],
    }


def _mask_in_place(dataset: Dataset, mask: Mask) -> None:
    for tag in list(dataset.keys()):
        if hides_tag(mask, f"{tag:08X}"):
            del dataset[tag]
        elif dataset.get_item(tag).VR in {None, "SQ", "UN"}:
            # Only these can turn out to be sequences.
            try:
                element = dataset[tag]
                items = element.value if element.VR == "SQ" else ()
            except UNREADABLE:
                # Unreadable, so nobody can say what it would show.
                del dataset[tag]
                continue
            for item in items or ():
                _mask_in_place(item, mask)
