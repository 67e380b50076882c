"""The gate's own Storage SCP, to which an archive sends what it was asked for by C-MOVE.

Nothing can be stored here: an object that nobody waits for is refused, and so is whoever
does not come from the archive's own address.

Made by `archive`.

Invariants:
- at most `_MOST_CONNECTIONS` are served at a time; each wait of theirs is bounded;
- an object is confirmed only once it lies where it is waited for.

Standard: PS3.4 annex B (Storage, as SCP), PS3.8 9.2 (as acceptor: Sta2, Sta6, Sta8).
"""

import socket
from contextlib import suppress
from threading import BoundedSemaphore, Event, Thread

import structlog

from pacsgate.model.errors import ArchiveError
from pacsgate.protocols.dimse.command_set import Command, CommandSet, Element, number_in, text_in
from pacsgate.protocols.dimse.pdus import PduType, type_of
from pacsgate.protocols.dimse.statuses import Status
from pacsgate.upstream.dimse.associations import Association
from pacsgate.upstream.dimse.connection import Connection
from pacsgate.upstream.dimse.mailbox import Mailbox
from pacsgate.upstream.dimse.messages import Ended, Message, read_message
from pacsgate.upstream.dimse.negotiation import accepted, associate_accept, associate_reject, requested
from pacsgate.upstream.dimse.peer import Peer
from pacsgate.upstream.dimse.retrieving import STORED_SYNTAXES
from pacsgate.upstream.dimse.settings import ReceiveSettings
from pacsgate.upstream.dimse.writing import Writing
from pacsgate.upstream.spool import Incoming, Spool

_log = structlog.get_logger(__name__)

_MOST_CONNECTIONS = 16
_BACKLOG = 64
_CALLED_AE_TITLE_NOT_RECOGNIZED = 7
_RELEASE_RP = bytes((PduType.A_RELEASE_RP, 0, 0, 0, 0, 4, 0, 0, 0, 0))


class Receiver:
    """Listens for one archive, from `start` to `close`."""

    def __init__(self, peer: Peer, receive: ReceiveSettings, spool: Spool, mailbox: Mailbox) -> None:
        self._peer = peer
        self._spool = spool
        self._mailbox = mailbox
        self._closing = Event()
        self._free = BoundedSemaphore(_MOST_CONNECTIONS)
        self._listening = _listener(receive)
        Thread(target=self._accept_all, name="dimse-receiver", daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._closing.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept_all(self) -> None:
        while not self._closing.is_set():
            try:
                connected, address = self._listening.accept()
            except OSError:
                return
            if not self._is_archive(address[0]) or not self._free.acquire(blocking=False):
                connected.close()
                continue
            Thread(target=self._serve_one, args=(connected,), name="dimse-receiving", daemon=True).start()

    def _is_archive(self, address: str) -> bool:
        with suppress(OSError):
            known = {info[4][0] for info in socket.getaddrinfo(self._peer.host, None)}
            return address in known
        return False

    def _serve_one(self, connected: socket.socket) -> None:
        connection = Connection(connected, self._peer.timeout_seconds)
        try:
            self._serve(connection)
        except ArchiveError as error:
            connection.abort()
            _log.warning("an archive's sending failed", error=error.public, detail=error.detail)
        finally:
            connection.close()
            self._free.release()

    def _serve(self, connection: Connection) -> None:
        pdu = connection.read()
        if type_of(pdu) is not PduType.A_ASSOCIATE_RQ:
            return
        request = requested(pdu)
        if request.called_ae_title.strip() != self._peer.calling_ae_title:
            connection.write([associate_reject(_CALLED_AE_TITLE_NOT_RECOGNIZED)])
            _await_end(connection)
            return
        agreed = accepted(request, STORED_SYNTAXES)
        connection.write([associate_accept(request, agreed)])
        association = Association(connection, agreed)
        while True:
            arriving = _Arriving(association, self._spool, self._mailbox)
            try:
                message = read_message(connection, agreed.contexts, arriving.open)
                if isinstance(message, Ended):
                    if message.kind is PduType.A_RELEASE_RQ:
                        connection.write([_RELEASE_RP])
                        _await_end(connection)
                    return
                status = arriving.taken(message)
            finally:
                arriving.discard()
            association.respond(message.context_id, message.command, {Element.STATUS: status})


def _await_end(connection: Connection) -> None:
    """Let the peer close the connection, so that it has read what was said last (PS3.8 9.2, Sta13)."""
    with suppress(ArchiveError):
        connection.read()


class _Arriving:
    """The object of the next message."""

    def __init__(self, association: Association, spool: Spool, mailbox: Mailbox) -> None:
        self._association = association
        self._spool = spool
        self._mailbox = mailbox
        self._incoming: Incoming | None = None

    def open(self, context_id: int, command: CommandSet) -> "Writing | _Nowhere":
        """Where the object's data set goes."""
        uid = text_in(command, Element.AFFECTED_SOP_INSTANCE_UID)
        sop_class = self._association.abstract_syntax(context_id)
        is_store = number_in(command, Element.COMMAND_FIELD) == Command.C_STORE_RQ
        if not is_store or text_in(command, Element.AFFECTED_SOP_CLASS_UID) != sop_class:
            return _Nowhere()
        if not self._mailbox.is_awaited(uid):
            return _Nowhere()
        writing = Writing(self._spool)
        self._incoming = writing.incoming
        writing.begin(sop_class, uid, self._association.transfer_syntax(context_id))
        return writing

    def taken(self, message: Message) -> Status:
        """What the sender hears."""
        if number_in(message.command, Element.COMMAND_FIELD) == Command.C_ECHO_RQ:
            return Status.SUCCESS
        if self._incoming is None:
            return Status.NOT_AUTHORIZED
        file = self._incoming.finish()
        uid = text_in(message.command, Element.AFFECTED_SOP_INSTANCE_UID)
        return Status.SUCCESS if self._mailbox.deliver(uid, file) else Status.NOT_AUTHORIZED

    def discard(self) -> None:
        """Remove what was received; what was delivered has another name."""
        if self._incoming is not None:
            self._incoming.__exit__(None, None, None)


class _Nowhere:
    """Takes what nobody waits for."""

    def write(self, chunk: object) -> None:
        """Drop it."""


def _listener(receive: ReceiveSettings) -> socket.socket:
    """A socket on the port, which every process of the gate may share.  Raises `SettingsError`."""
    family = socket.AF_INET6 if ":" in receive.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((receive.host, receive.port))
        listening.listen(_BACKLOG)
    except OSError as failure:
        listening.close()
        raise ArchiveError(
            "the gate cannot listen for the archive's objects",
            detail=f"port {receive.port}: {failure.strerror}",
        ) from failure
    return listening
