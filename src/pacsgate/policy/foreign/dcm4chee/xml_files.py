"""dcm4chee's XML files, read without a document type, without entities and without anything from outside.

Called by the readers of its configuration.

Standard: XML 1.0; Servlet 2.4 (`web.xml`); JBoss 4 (XMBean descriptors, service files).
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from pacsgate.model.errors import SettingsError

Setting = tuple[str, str, int]
"""A name, its value, and the line where it stands."""


def parse_xml(text: str, file: str) -> etree._Element:
    """The root of a document.  Raises `SettingsError`."""
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True
    )
    try:
        return etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as error:
        raise SettingsError(f"{file}:{error.lineno or 0}: not valid XML: {error.msg}") from error
    except ValueError as error:  # a declaration of another encoding, which the text no longer has
        raise SettingsError(f"{file}:1: not valid XML: {error}") from error


def settings_in(root: etree._Element) -> Iterator[Setting]:
    """The settings of a `web.xml`, of an XMBean's descriptor or of a JBoss service file.

    `<init-param><param-name>…<param-value>…`, `<attribute><name>…<value value="…">` and
    `<attribute name="…">…</attribute>`.
    """
    for element in root.iter(etree.Element):
        match etree.QName(element).localname:
            case "init-param" | "context-param" | "env-entry":
                yield (
                    _text(element, "param-name", "env-entry-name"),
                    _text(element, "param-value", "env-entry-value"),
                    line_of(element),
                )
            case "attribute" if element.get("name") is not None:
                yield element.get("name", ""), (element.text or "").strip(), line_of(element)
            case "attribute":
                yield _text(element, "name"), _described(element), line_of(element)
            case _:
                pass


def _text(element: etree._Element, *names: str) -> str:
    found = (child.text or "" for child in element if etree.QName(child).localname in names)
    return next(found, "").strip()


def _described(attribute: etree._Element) -> str:
    """The value that a descriptor gives."""
    values = (each for each in attribute.iter(etree.Element) if etree.QName(each).localname == "value")
    return next((each.get("value", "") for each in values), "").strip()


def line_of(element: etree._Element) -> int:
    """The line that an element begins in."""
    line: Any = element.sourceline
    return int(line or 0)
