"""A message as nested values: segments, fields, repetitions, components, subcomponents.

python-hl7 takes it apart; here the characters are decoded as MSH-18 says, line ends of
every kind are segment ends, and escapes are undone, once.

Called by the MLLP door; `facts` and `pacsgate.protocols.dcm4chee.message_xml` read the result.

Invariants:
- positions count from 1 as the standard's do, so `text("PID", 3)` is PID-3.1.1;
- what is not there is the empty text.

Standard: HL7 v2.5.1, 2.6 (construction), 2.7 (escapes), 2.15.9.18 (character set), table 0211.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import hl7

from pacsgate.model.errors import RequestError

Component = tuple[str, ...]
Repetition = tuple[Component, ...]
Field = tuple[Repetition, ...]
Part = TypeVar("Part")

CHARACTER_SETS: Mapping[str, str] = {
    "ASCII": "ascii",
    "8859/1": "iso8859-1",
    "8859/2": "iso8859-2",
    "8859/3": "iso8859-3",
    "8859/4": "iso8859-4",
    "8859/5": "iso8859-5",
    "8859/6": "iso8859-6",
    "8859/7": "iso8859-7",
    "8859/8": "iso8859-8",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "UNICODE UTF-8": "utf-8",
    "UNICODE": "utf-8",
    "ISO IR87": "iso2022_jp",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
}
"""Table 0211, as Python calls its rows."""
_UNNAMED = "8859/1"
"""Where MSH-18 is empty it should be ASCII; what senders then write beyond it is this."""
_USUAL = "^~\\&"
_MOST_SEGMENTS = 5_000
_HEADER = "MSH"


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of a message; `fields` begins with its first field (of MSH, the separator itself)."""

    name: str
    fields: tuple[Field, ...]

    def values(self, field: int, component: int = 1, subcomponent: int = 1) -> tuple[str, ...]:
        """One value for each repetition of a field that has it."""
        repetitions = self.fields[field - 1] if field <= len(self.fields) else ()
        found = (_at(_at(repetition, component, ()), subcomponent, "") for repetition in repetitions)
        return tuple(value for value in found if value)

    def text(self, field: int, component: int = 1, subcomponent: int = 1) -> str:
        """The value in the first repetition that has one."""
        return next(iter(self.values(field, component, subcomponent)), "")


def _at(parts: tuple[Part, ...], position: int, missing: Part) -> Part:
    return parts[position - 1] if position <= len(parts) else missing


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    segments: tuple[Segment, ...]
    separators: str
    """Field, component, repetition, escape and subcomponent separator, as MSH-1 and MSH-2 give them."""

    def named(self, name: str) -> Iterator[Segment]:
        """Each segment of a name."""
        return (segment for segment in self.segments if segment.name == name)

    def text(self, name: str, field: int, component: int = 1, subcomponent: int = 1) -> str:
        """A value of the first segment of a name."""
        return next((segment.text(field, component, subcomponent) for segment in self.named(name)), "")

    @property
    def kind(self) -> str:
        """Message code and trigger event: `ORM^O01`."""
        return "^".join(part for part in (self.text(_HEADER, 9), self.text(_HEADER, 9, 2)) if part)

    @property
    def control_id(self) -> str:
        """MSH-10, which its acknowledgement names."""
        return self.text(_HEADER, 10)


def read_message(data: bytes) -> Message:
    """Read one message.  Raises `RequestError`, also where it is not in the characters that it names:
    an identifier that was guessed may be somebody else's.
    """
    return _parsed(_decoded(data))


def read_header(data: bytes) -> Message | None:
    """The first segment alone, as far as it is ASCII, of a message that cannot be read: whom to answer."""
    line = data.split(b"\r", 1)[0].split(b"\n", 1)[0]
    try:
        return _parsed(line.decode("ascii", "replace"))
    except RequestError:
        return None


def _parsed(text: str) -> Message:
    lines = text.replace("\r\n", "\r").replace("\n", "\r").strip("\r")
    if lines.count("\r") >= _MOST_SEGMENTS:
        raise RequestError(f"the message has more than {_MOST_SEGMENTS} segments")
    if not lines.startswith(_HEADER) or len(lines) < len("MSH|^~\\&|"):
        raise RequestError("the message does not begin with MSH")
    separators = _separators(lines)
    try:
        parsed = hl7.parse(lines)
        segments = tuple(_segment(parsed, segment) for segment in parsed if str(segment))
    except (hl7.HL7Exception, IndexError, KeyError, ValueError) as error:
        raise RequestError("the message cannot be taken apart into segments and fields") from error
    return Message(segments, separators)


def _decoded(data: bytes) -> str:
    header = data.split(b"\r", 1)[0].split(b"\n", 1)[0].decode("latin-1")
    fields = header.split(header[3:4] or "|")
    # MSH-1 is the separator itself, so the split counts one less.
    named = fields[17].split(fields[1][1:2] or "~", 1)[0].strip() if len(fields) > 17 else ""
    codec = CHARACTER_SETS.get(named or _UNNAMED)
    if codec is None:
        raise RequestError(
            f"the character set `{named[:20]}` of MSH-18 is none of {', '.join(CHARACTER_SETS)}"
        )
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        raise RequestError(f"the message is not in the characters that MSH-18 names: `{named}`") from error


def _separators(lines: str) -> str:
    """Those of MSH, with the standard's where it leaves some out (2.5.4).  Raises `RequestError`."""
    field = lines[3]
    given = lines[4:].split(field, 1)[0]
    separators = field + (given + _USUAL[len(given) :])[: len(_USUAL)]
    if len(set(separators)) < len(separators) or any(
        not each.isprintable() or each.isalnum() or each.isspace() for each in separators
    ):
        raise RequestError("MSH-1 and MSH-2 are no separators: five different signs, or the usual ones")
    return separators


def _segment(parsed: hl7.Message, segment: hl7.Segment) -> Segment:
    name = str(segment[0])
    fields = segment[1:]
    if name == _HEADER:  # its first two fields are the separators, which are no fields to take apart
        plain = tuple(((((str(field),)),),) for field in fields[:2])
        return Segment(name, plain + tuple(_field(parsed, field) for field in fields[2:]))
    return Segment(name, tuple(_field(parsed, field) for field in fields))


def _field(parsed: hl7.Message, field: hl7.Field) -> Field:
    return tuple(
        tuple(
            tuple(parsed.unescape(str(subcomponent)) for subcomponent in _parts(component))
            for component in _parts(repetition)
        )
        for repetition in field
    )


def _parts(node: object) -> tuple[object, ...]:
    """The parts of a node; what has none is its own only part."""
    return tuple(node) if isinstance(node, hl7.Container) else (node,)
