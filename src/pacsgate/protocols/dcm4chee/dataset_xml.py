"""A DICOM data set as dcm4chee 2 shows it to a stylesheet: `/dataset/attr[@tag='0020000D']`.

An attribute's values are joined by backslashes; a sequence holds `item`s.  A value
longer than 64 bytes is left out, and so is whatever is no text and no number: the
element is there without content.

Called by `pacsgate.services.stylesheet_grants`.

Standard: none; the writer of dcm4che 1.4 (`Dataset.writeDataset2`) as dcm4chee 2.18.3 calls it.
"""

from xml.etree.ElementTree import Element

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import VR

from pacsgate.protocols.dcm4chee.xml_text import child, document

_LONGEST = 64
_DEEPEST = 16
"""Sequences within sequences; an order holds two or three."""
_SILENT = frozenset({VR.OB, VR.OD, VR.OF, VR.OL, VR.OV, VR.OW, VR.UN})


def dataset_xml(data_set: Dataset) -> bytes:
    """The document that a stylesheet is given for a data set."""
    root = Element("dataset")
    _add(root, data_set, _DEEPEST)
    return document(root)


def _add(parent: Element, data_set: Dataset, depth: int) -> None:
    for element in data_set:
        _attribute(parent, element, depth)


def _attribute(parent: Element, element: DataElement, depth: int) -> None:
    tag, representation = f"{int(element.tag):08X}", str(element.VR)
    if representation == VR.SQ:
        sequence = child(parent, "attr", tag=tag, vr=representation)
        for number, item in enumerate(element.value if depth else (), start=1):
            _add(child(sequence, "item", id=str(number)), item, depth - 1)
        return
    text = _text(element)
    fits = len(text.encode("utf-8", "surrogatepass")) <= _LONGEST
    child(parent, "attr", text if fits else "", tag=tag, vr=representation)


def _text(element: DataElement) -> str:
    value = element.value
    if value is None or str(element.VR) in _SILENT:
        return ""
    several = value if isinstance(value, MultiValue | list | tuple) else [value]
    return "\\".join(_one(each) for each in several)


def _one(value: object) -> str:
    """One value as it was written, where pydicom remembers (of numbers)."""
    written = getattr(value, "original_string", None)
    return written if isinstance(written, str) else str(value)
