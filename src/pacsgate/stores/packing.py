"""How attributes, facts and instances become bytes in a column, and back.

Everything is MessagePack; what grows with the number of instances, and whole
headers, are deflated as well.  Per series one packed value holds all instances
in the order of their SOP Instance UIDs.

Called by whatever in the index reads or writes a row.

Invariants:
- `pack_facts` gives the same bytes for the same facts, so that its digest
  identifies an access class.
"""

import zlib
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import msgspec

from pacsgate.dicom.summary import DicomJson, PackedJson
from pacsgate.model.subject import Attributes, Scalar
from pacsgate.ports import InstanceEntry
from pacsgate.stores.storable import storable_json

_LEVEL = 3
"""Of deflate: beyond it a header of 4 KiB costs twice the time to save 3 %."""

_encoder = msgspec.msgpack.Encoder()
_attributes = msgspec.msgpack.Decoder(dict[str, dict[str, Any]])
_facts = msgspec.msgpack.Decoder(dict[str, list[str | int | float | bool]])
_strings = msgspec.msgpack.Decoder(list[str])


class PackedInstance(msgspec.Struct, array_like=True, frozen=True):
    """One instance as packed; `contribution` counts into the series' contributions."""

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    number_of_frames: int
    size: int | None
    digest: str | None
    contribution: int
    attributes: msgspec.Raw


class PackedPart(msgspec.Struct, array_like=True, frozen=True):
    """What a list of studies needs of one part of a series; `position` is that of its likes in the kind."""

    series_instance_uid: str
    part: int
    position: int
    instances: int
    sop_classes: tuple[str, ...]


_instances = msgspec.msgpack.Decoder(list[PackedInstance])
_parts = msgspec.msgpack.Decoder(tuple[PackedPart, ...])


def pack_attributes(attributes: DicomJson) -> bytes:
    """Attributes of one level."""
    try:
        return _encoder.encode(attributes if type(attributes) is dict else dict(attributes))
    except (UnicodeEncodeError, OverflowError, TypeError):
        # Rare: an object with text or numbers that no database takes, or a mapping that is no dict.
        return _encoder.encode(storable_json(attributes))


def unpack_attributes(data: bytes | msgspec.Raw) -> dict[str, dict[str, Any]]:
    """The reverse of `pack_attributes`."""
    return _attributes.decode(data)


def pack_parts(parts: Iterable[PackedPart]) -> bytes:
    """The parts of one study's series."""
    return _encoder.encode(list(parts))


def unpack_parts(data: bytes) -> tuple[PackedPart, ...]:
    """The reverse of `pack_parts`."""
    return _parts.decode(data)


def pack_header(header: DicomJson) -> bytes:
    """A whole data set without bulk data."""
    return zlib.compress(pack_attributes(header), _LEVEL)


def unpack_header(data: bytes) -> dict[str, dict[str, Any]]:
    """The reverse of `pack_header`."""
    return _attributes.decode(zlib.decompress(data))


def pack_facts(facts: Attributes) -> bytes:
    """Facts, in one spelling."""
    return _encoder.encode({name: sorted(facts[name], key=_type_then_value) for name in sorted(facts)})


def unpack_facts(data: bytes) -> dict[str, frozenset[Scalar]]:
    """The reverse of `pack_facts`."""
    return {name: frozenset(values) for name, values in _facts.decode(data).items()}


def pack_strings(strings: Iterable[str]) -> bytes:
    """A set of strings, such as actions or groups, in one spelling."""
    return _encoder.encode(sorted(strings))


def unpack_strings(data: bytes) -> frozenset[str]:
    """The reverse of `pack_strings`."""
    return frozenset(_strings.decode(data))


def pack_instances(instances: Iterable[PackedInstance]) -> bytes:
    """The instances of one series."""
    return zlib.compress(_encoder.encode(sorted(instances, key=lambda one: one.sop_instance_uid)), _LEVEL)


def unpack_instances(data: bytes) -> list[PackedInstance]:
    """The reverse of `pack_instances`."""
    return _instances.decode(zlib.decompress(data))


def _type_then_value(value: Scalar) -> tuple[str, Scalar]:
    return type(value).__name__, value


class PackedAttributes(PackedJson):
    """The attributes of a row, unpacked when somebody first looks at them."""

    __slots__ = ("_held", "_packed")

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._held: dict[str, dict[str, Any]] | None = None

    @property
    def packed(self) -> bytes:
        """What the row has in its column."""
        return self._packed

    def _unpacked(self) -> dict[str, dict[str, Any]]:
        if self._held is None:
            self._held = unpack_attributes(self._packed)
        return self._held

    def __getitem__(self, tag: str) -> Mapping[str, Any]:
        return self._unpacked()[tag]

    def __iter__(self) -> Iterator[str]:
        return iter(self._unpacked())

    def __len__(self) -> int:
        return len(self._unpacked())

    def get(self, tag: str, default: Any = None) -> Any:
        """As a dictionary's: inherited, it would catch an exception for every tag that is not there."""
        return self._unpacked().get(tag, default)

    def items(self) -> ItemsView[str, Mapping[str, Any]]:
        """As a dictionary's: inherited, it would look for every tag by itself."""
        return self._unpacked().items()


class InstanceEntries(Sequence[InstanceEntry]):
    """The instances of one series, unpacked when somebody first looks at them.

    Most decisions need only a study's and its series' facts; a series may have
    thousands of instances.
    """

    __slots__ = ("_count", "_entries", "_packed")

    def __init__(self, packed: bytes, count: int) -> None:
        self._packed = packed
        self._count = count
        self._entries: tuple[InstanceEntry, ...] | None = None

    def _unpacked(self) -> tuple[InstanceEntry, ...]:
        if self._entries is None:
            self._entries = tuple(instance_entry(one) for one in unpack_instances(self._packed))
        return self._entries

    @overload
    def __getitem__(self, index: int) -> InstanceEntry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[InstanceEntry, ...]: ...
    def __getitem__(self, index: int | slice) -> InstanceEntry | tuple[InstanceEntry, ...]:
        return self._unpacked()[index]

    def __iter__(self) -> Iterator[InstanceEntry]:
        return iter(self._unpacked())

    def __len__(self) -> int:
        return self._count

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Sequence):
            return self._unpacked() == tuple(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._packed)

    def __repr__(self) -> str:
        return f"<{self._count} instances>"


def instance_entry(packed: PackedInstance) -> InstanceEntry:
    """One instance as `ports` shows it."""
    attributes: Mapping[str, Mapping[str, Any]] = unpack_attributes(packed.attributes)
    return InstanceEntry(
        packed.sop_instance_uid,
        packed.sop_class_uid,
        packed.transfer_syntax_uid,
        packed.number_of_frames,
        packed.size,
        packed.digest,
        attributes,
    )
