r"""An HL7 message as dcm4chee 2 shows it to a stylesheet: `/hl7/PID/field[3]/component[3]`.

The first component of a field is the field's own text, the others are `component`
elements; further repetitions are `repeat`, further subcomponents `subcomponent`
elements.  MSH begins with the sending application, its separators are attributes, so that
`MSH/field[7]` is the message type.  Escapes are undone already, where dcm4chee has `escape` elements.

Called by `pacsgate.services.stylesheet_grants`.

Standard: none; the reader of dcm4chee 2.18.3 (`org.regenstrief.xhl7`).
"""

from xml.etree.ElementTree import Element

from pacsgate.protocols.dcm4chee.xml_text import child, document, plain
from pacsgate.protocols.hl7.message import Field, Message, Repetition

_SEPARATORS = (
    "fieldDelimiter",
    "componentDelimiter",
    "repeatDelimiter",
    "escapeDelimiter",
    "subcomponentDelimiter",
)
_NAME_LENGTH = 3


def message_xml(message: Message) -> bytes:
    """The document that a stylesheet is given for a message."""
    root = Element("hl7")
    for segment in message.segments:
        if len(segment.name) != _NAME_LENGTH or not segment.name.isalnum() or segment.name[0].isdigit():
            continue  # no name for an element, and none of a segment
        is_header = segment.name == "MSH"
        given = dict(zip(_SEPARATORS, map(plain, message.separators), strict=True)) if is_header else {}
        element = child(root, segment.name, **given)
        for field in segment.fields[2:] if is_header else segment.fields:
            _field(child(element, "field"), field)
    return document(root)


def _field(element: Element, field: Field) -> None:
    for number, repetition in enumerate(field):
        _components(child(element, "repeat") if number else element, repetition)


def _components(element: Element, repetition: Repetition) -> None:
    for number, component in enumerate(repetition):
        holder = child(element, "component") if number else element
        for position, subcomponent in enumerate(component):
            if position:
                child(holder, "subcomponent", subcomponent)
            else:
                holder.text = plain(subcomponent)
