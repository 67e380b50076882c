"""The bytes of one object as they will leave: as stored, or rewritten where something must not stay.

An object passes as it is stored unless a mask hides something in it or the
client accepts only another transfer syntax.  Then it is read whole, one object
at a time, changed and written anew.

Called by the retrieving handlers.

Standard: PS3.18 8.7.3.5.2 (transfer syntax of DICOM media types).
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from pydicom.uid import ExplicitVRLittleEndian

from pacsgate.dicom.frames import UndecodableFrame
from pacsgate.gateway.http.exchange import Exchange
from pacsgate.model.errors import RequestError
from pacsgate.ports import Chunk, InstanceEntry
from pacsgate.protocols.dicomweb.accept import AS_STORED
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.services.resolve import Part
from pacsgate.services.rewritten_object import rewritten


@dataclass(frozen=True, slots=True)
class Delivery:
    """One instance on its way out, and the transfer syntax in which it will arrive.

    The transfer syntax is empty where an origin does not tell in which it stores.
    """

    part: Part
    instance: InstanceEntry
    transfer_syntax_uid: str

    @property
    def media_type(self) -> str:
        """The value of its `Content-Type`."""
        if not self.transfer_syntax_uid:
            return MediaType.DICOM.value
        return f"{MediaType.DICOM}; transfer-syntax={self.transfer_syntax_uid}"

    @property
    def is_as_stored(self) -> bool:
        """Whether the stored bytes leave unchanged."""
        return self.part.mask.hides_nothing and self.transfer_syntax_uid == self.instance.transfer_syntax_uid


def deliveries(parts: tuple[Part, ...], accepted: tuple[str, ...]) -> tuple[Delivery, ...]:
    """Every instance of `parts` in an accepted transfer syntax; raises `RequestError` 406 if one has none.

    No transfer syntax asked for, or `*`, means as stored.
    """
    return tuple(
        Delivery(part, instance, _syntax(instance.transfer_syntax_uid, accepted))
        for part in parts
        for instance in part.instances
    )


def _syntax(stored: str, accepted: tuple[str, ...]) -> str:
    if not accepted or AS_STORED in accepted or stored in accepted:
        return stored
    if ExplicitVRLittleEndian in accepted:
        return str(ExplicitVRLittleEndian)
    raise RequestError("no accepted transfer syntax can be made from the stored one", status=406)


async def object_bytes(exchange: Exchange, delivery: Delivery) -> AsyncGenerator[Chunk, None]:
    """The Part 10 bytes of one object, streamed.  Raises `ArchiveError`, `RequestError`."""
    archive = exchange.gate.archives[exchange.archive]
    key = delivery.part.key_of(delivery.instance)
    if not delivery.is_as_stored:
        yield await exchange.at_archive(lambda: _rewritten(exchange, delivery))
        return
    async for chunk in archive.open(key).stream():
        yield chunk


def rewritten_or_none(exchange: Exchange, delivery: Delivery) -> bytes | None:
    """The changed bytes of an object, or `None` when it leaves as stored.  Blocking."""
    return None if delivery.is_as_stored else _rewritten(exchange, delivery)


def _rewritten(exchange: Exchange, delivery: Delivery) -> bytes:
    key, stored = delivery.part.key_of(delivery.instance), delivery.instance.transfer_syntax_uid
    syntax = None if delivery.transfer_syntax_uid == stored else delivery.transfer_syntax_uid
    try:
        return rewritten(exchange.gate.archives[exchange.archive], key, delivery.part.mask, syntax)
    except UndecodableFrame as undecodable:
        raise RequestError("the object cannot be decoded here", status=406) from undecodable
