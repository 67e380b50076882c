"""One conversation with a directory: a verified TLS connection, bound as somebody, asked, and closed.

A few conversations at a time and process; each waits a bounded time.  Referrals are not followed, for
they would take passwords to servers that nobody configured.  The schema of a server is not read: what
comes back are bytes, and `Entry` says what they mean.

Called by `people` and `source`.

Invariants:
- no password is sent before TLS is up and the server's certificate is verified for its name;
- an empty password is never sent: servers take it for an anonymous bind, and say yes.

Standard: RFC 4511 4.2 (bind), 4.14 (StartTLS); RFC 4513 5.1.2 (unauthenticated bind); RFC 2696 (pages).
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from ldap3 import BASE, NONE, SIMPLE, SUBTREE, SYNC, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException

from pacsgate.identity.ldap.description import LdapDirectory, LdapServer
from pacsgate.model.errors import UnavailableError

AT_ONCE = 8
"""Conversations of one process with one directory: sign-ins are seldom, and directories are shared."""
PAGE = 500
"""Active Directory gives at most 1,000 entries at a time (MaxPageSize)."""
REST_SECONDS = 2.0
"""Before servers of which none answered are tried again: waiting for them takes threads from everybody."""
MOST_ANSWERS = 1000
"""Of a search that is not paged."""

_SUCCESS = 0
_SIZE_LIMIT_EXCEEDED = 4
_NO_SUCH_OBJECT = 32
_REFUSED_BINDS = frozenset({19, 32, 34, 48, 49, 50, 53})
"""Results of a bind that say no to whoever binds: constraintViolation (too many failures), noSuchObject,
invalidDNSyntax, inappropriateAuthentication, invalidCredentials, insufficientAccessRights and
unwillingToPerform.  Anything else says that the server could not tell."""
_Scope = Literal["BASE", "SUBTREE"]
_PAGES = "1.2.840.113556.1.4.319"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a directory holds under one DN."""

    dn: str
    values: Mapping[str, tuple[bytes, ...]]
    """By the name of the attribute in lower case."""

    def texts(self, attribute: str) -> tuple[str, ...]:
        """Every value of an attribute that is text."""
        found = []
        for value in self.values.get(attribute.lower(), ()):
            try:
                found.append(value.decode("utf-8"))
            except UnicodeDecodeError:
                continue
        return tuple(found)

    def text(self, attribute: str) -> str:
        """The first value of an attribute; empty if there is none."""
        return next(iter(self.texts(attribute)), "")


class Conversation:
    """A connection to one server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def bind(self, who: str, password: str) -> bool:
        """Whether the server lets this name in with this password.  Raises `UnavailableError`."""
        if not who or not password:
            return False
        try:
            # Bytes, so that the password is sent as it was typed and not prepared as RFC 4013 would.
            self._connection.rebind(user=who, password=password.encode("utf-8"), authentication=SIMPLE)
        except (LDAPException, OSError) as error:
            raise _unavailable(error) from error
        result = self._result()
        if result not in {_SUCCESS, *_REFUSED_BINDS}:
            raise UnavailableError("the directory cannot be asked", f"bind answered with result {result}")
        return result == _SUCCESS

    def entry(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        """One entry, if it is there and may be read."""
        found = self._search(dn, "(objectClass=*)", attributes, BASE)
        return found[0] if found else None

    def search(self, base: str, filter_: str, attributes: Sequence[str]) -> list[Entry]:
        """The entries of a subtree that match.  Raises `UnavailableError`, also for more than a thousand."""
        return self._search(base, filter_, attributes, SUBTREE)

    def everything(self, base: str, filter_: str, attributes: Sequence[str]) -> Iterator[Entry]:
        """The entries of a subtree that match, page by page, however many.  Raises `UnavailableError`."""
        cookie: bytes | None = None
        while True:
            self._ask(base, filter_, attributes, SUBTREE, paged_size=PAGE, paged_cookie=cookie)
            if self._result() != _SUCCESS:
                raise UnavailableError(
                    "the directory does not list everybody", f"search answered with result {self._result()}"
                )
            yield from self._entries()
            controls = (self._connection.result or {}).get("controls") or {}
            cookie = controls.get(_PAGES, {}).get("value", {}).get("cookie")
            if not cookie:
                return

    def _search(self, base: str, filter_: str, attributes: Sequence[str], scope: _Scope) -> list[Entry]:
        self._ask(base, filter_, attributes, scope, size_limit=MOST_ANSWERS)
        if self._result() == _NO_SUCH_OBJECT:
            return []
        if self._result() != _SUCCESS:
            raise UnavailableError(
                "the directory cannot be asked", f"search answered with result {self._result()}"
            )
        return self._entries()

    def _ask(self, base: str, filter_: str, attributes: Sequence[str], scope: _Scope, **how: Any) -> None:
        try:
            self._connection.search(base, filter_, scope, attributes=list(attributes), **how)
        except (LDAPException, OSError) as error:
            raise _unavailable(error) from error

    def _result(self) -> int | None:
        found = self._connection.result
        return found.get("result") if isinstance(found, dict) else None

    def _entries(self) -> list[Entry]:
        """What was found; references to other servers are passed over."""
        return [
            Entry(
                found["dn"], {name.lower(): tuple(values) for name, values in found["raw_attributes"].items()}
            )
            for found in self._connection.response or []
            if found.get("type") == "searchResEntry"
        ]


class Conversations:
    """Begins conversations with one directory, a few at a time."""

    def __init__(self, directory: LdapDirectory) -> None:
        self._directory = directory
        self._admission = threading.BoundedSemaphore(AT_ONCE)
        self._rests_until = 0.0

    @contextmanager
    def begin(self) -> Iterator[Conversation]:
        """Connect to the first server that answers.  Raises `UnavailableError`, at once if none just did."""
        if time.monotonic() < self._rests_until:
            raise UnavailableError("the directory cannot be asked", "no server answered a moment ago")
        if not self._admission.acquire(timeout=self._directory.timeout_seconds):
            raise UnavailableError("the directory cannot be asked", "too many conversations at this moment")
        try:
            connection = self._connect()
            try:
                yield Conversation(connection)
            finally:
                _close(connection)
        finally:
            self._admission.release()

    def _connect(self) -> Connection:
        failed: Exception | None = None
        for server in self._directory.servers:
            try:
                return _connected(server, self._directory)
            except (LDAPException, OSError) as error:
                failed = error
        self._rests_until = time.monotonic() + REST_SECONDS
        raise _unavailable(failed)


class _VerifiedTls(Tls):
    """TLS with Python's own verification of the certificate and its name, which ldap3 does by itself."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._trust = trust

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002 - ldap3's signature
        """Put TLS around the socket of a connection."""
        # ldap3 writes small requests one after another; each would wait 40 ms for the answer to a segment.
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.socket = self._trust.wrap_socket(
            connection.socket,
            server_hostname=connection.server.host,
            do_handshake_on_connect=do_handshake,
        )


def _connected(server: LdapServer, directory: LdapDirectory) -> Connection:
    connection = Connection(
        Server(
            server.host,
            port=server.port,
            use_ssl=not server.start_tls,
            tls=_VerifiedTls(directory.trust),
            get_info=NONE,
            connect_timeout=directory.timeout_seconds,
        ),
        client_strategy=SYNC,
        auto_referrals=False,
        receive_timeout=directory.timeout_seconds,
        check_names=False,
        read_only=True,
    )
    try:
        connection.open(read_server_info=False)
        if server.start_tls:
            connection.start_tls(read_server_info=False)
    except (LDAPException, OSError):
        _close(connection)
        raise
    return connection


def _close(connection: Connection) -> None:
    try:
        connection.unbind()
    except (LDAPException, OSError):
        return


def _unavailable(error: Exception | None) -> UnavailableError:
    return UnavailableError("the directory cannot be asked", str(error))
