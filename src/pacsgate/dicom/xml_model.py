"""Data sets in the Native DICOM Model, made from the DICOM JSON Model.

Characters that XML 1.0 cannot hold at all (control characters) become U+FFFD.
The tag of a private element is written without its block (`gggg00ee`) when the
element that reserves the block says who its creator is.

Called by the doors for `application/dicom+xml`.

Standard: PS3.19 A.1.
"""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from pacsgate.dicom.attributes import is_private, keyword_of
from pacsgate.dicom.person_names import GROUPS
from pacsgate.dicom.summary import DicomJson

NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"

_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_native_xml(header: DicomJson) -> bytes:
    """The data set as a whole XML document in UTF-8."""
    root = Element("NativeDicomModel", {"xmlns": NAMESPACE, "xml:space": "preserve"})
    _write_dataset(root, header)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _write_dataset(parent: Element, header: DicomJson) -> None:
    for tag, element in sorted(header.items()):
        node = SubElement(parent, "DicomAttribute", _names(tag, element["vr"], header))
        if "BulkDataURI" in element:
            SubElement(node, "BulkData", {"uri": element["BulkDataURI"]})
        elif "InlineBinary" in element:
            SubElement(node, "InlineBinary").text = element["InlineBinary"]
        for number, value in enumerate(element.get("Value", ()), 1):
            if value is not None:
                _write_value(node, element["vr"], value, {"number": str(number)})


def _names(tag: str, vr: str, header: DicomJson) -> dict[str, str]:
    names = {"tag": tag, "vr": vr}
    keyword = keyword_of(tag)
    if keyword is not None:
        names["keyword"] = keyword
    creator = _private_creator(tag, header)
    if creator is not None:
        names |= {"tag": f"{tag[:4]}00{tag[6:]}", "privateCreator": _text(creator)}
    return names


def _private_creator(tag: str, header: DicomJson) -> str | None:
    # (gggg,bbee) with a block of 10 to FF belongs to whom (gggg,00bb) names (PS3.5 7.8.1).
    if not is_private(tag) or tag[4:6] < "10":
        return None
    values = header.get(f"{tag[:4]}00{tag[4:6]}", {}).get("Value", ())
    return values[0] if values and isinstance(values[0], str) else None


def _write_value(node: Element, vr: str, value: Any, number: dict[str, str]) -> None:
    match value:
        case Mapping() if vr == "PN":
            name = SubElement(node, "PersonName", number)
            for group in GROUPS:
                if value.get(group):
                    _write_components(SubElement(name, group), value[group])
        case Mapping():
            _write_dataset(SubElement(node, "Item", number), value)
        case _:
            SubElement(node, "Value", number).text = _text(str(value))


def _write_components(node: Element, group: str) -> None:
    for name, component in zip(_COMPONENTS, group.split("^"), strict=False):
        if component:
            SubElement(node, name).text = _text(component)


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
