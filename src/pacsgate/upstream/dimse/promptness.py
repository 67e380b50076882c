"""Acknowledges what has arrived at once, so that a peer that waits for that goes on.

dcmtk, and so Orthanc and most tools, write a message's command and its data set one after the other
and leave it to TCP to join what is small (Nagle): the second waits until the first is acknowledged.
Linux takes 40 ms over an acknowledgement where it hopes to send it along with an answer, which here
cannot come before the second.  Measured with dcmtk 3.6.7 as client: 50 ms for each C-FIND become 3.

Called by both sides' sockets, after each receipt, for the system soon goes back to its habit.

Standard: tcp(7), TCP_QUICKACK; RFC 896, RFC 1122 4.2.3.2.
"""

import socket
from contextlib import suppress

_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
"""Linux alone has it."""


def acknowledge_at_once(connection: socket.socket) -> None:
    """Acknowledge what was received until now.  A connection that is over needs it no more."""
    if _QUICKACK is not None:
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
