"""Elements of the XML that stylesheets read, with text that no XML parser trips over.

Called by `dataset_xml` and `message_xml`.

Standard: XML 1.0, 2.2 (characters).
"""

import re
from xml.etree.ElementTree import Element, SubElement, tostring

_NO_XML = re.compile("[^\t\n\r\\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def child(parent: Element, name: str, text: str = "", **attributes: str) -> Element:
    """A new last child; what XML cannot hold is replaced."""
    element = SubElement(parent, name, attributes)
    element.text = plain(text)
    return element


def plain(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return _NO_XML.sub(_REPLACEMENT, text)


def document(root: Element) -> bytes:
    """The whole, in UTF-8."""
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written
