"""The public keys of an issuer: from a file, or from where it publishes them.

Published keys are fetched when they are first needed and again every ten minutes, or at once when
a token names a key that is not among them, though never more often than once in half a minute: who
makes up names of keys must not make the gate ask without end.  While the issuer does not answer, what
it last said counts for another hour, and then for nothing.

Called by `json_web_tokens`.

Invariants:
- an answer is bounded in size and time, redirects are not followed, certificates are verified;
- only public keys for signatures are ever used.

Standard: RFC 7517.
"""

import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from pacsgate.model.errors import SettingsError
from pacsgate.ports import Clock

FRESH_SECONDS = 600.0
ASKED_EVERY_SECONDS = 30.0
LAST_KNOWN_SECONDS = 3600.0
TIMEOUT_SECONDS = 5.0
LARGEST_ANSWER = 1 << 20


class IssuerKeys(Protocol):
    """Where an issuer's keys come from."""

    def keys(self, key_id: str | None) -> KeySet | None:
        """Its keys as last known, asked for anew if this one may be new; `None` while there are none."""
        ...


class KeysOfFile:
    """Keys in a file, read once.  Raises `SettingsError`."""

    def __init__(self, path: Path) -> None:
        try:
            found = read_key_set(path.read_bytes())
        except OSError as error:
            raise SettingsError(f"cannot read the keys `{path}`: {error.strerror}") from error
        if found is None:
            raise SettingsError(f"`{path}` holds no public keys: a JWK Set (RFC 7517) is expected")
        self._keys = found

    def keys(self, key_id: str | None) -> KeySet:  # noqa: ARG002 - all that there will ever be
        """The keys of the file."""
        return self._keys


class PublishedKeys:
    """Keys at a URL."""

    def __init__(self, fetch: Callable[[], bytes | None], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._fetching = threading.Lock()
        self._held: KeySet | None = None
        self._held_since = 0.0
        self._asked_at: float | None = None

    def keys(self, key_id: str | None) -> KeySet | None:
        """The keys, fetched if they are stale or lack this one."""
        with self._fetching:
            now = self._clock.monotonic()
            held = self._held
            known = held is not None and (key_id is None or any(key.kid == key_id for key in held))
            if not (known and now - self._held_since < FRESH_SECONDS):
                self._ask(now)
            if self._held is not None and now - self._held_since >= LAST_KNOWN_SECONDS:
                self._held = None
            return self._held

    def _ask(self, now: float) -> None:
        if self._asked_at is not None and now - self._asked_at < ASKED_EVERY_SECONDS:
            return
        self._asked_at = now
        answer = self._fetch()
        found = None if answer is None else read_key_set(answer)
        if found is not None:
            self._held, self._held_since = found, now


def read_key_set(text: bytes) -> KeySet | None:
    """The public signature keys of a JWK Set; others in it are passed over."""
    try:
        listed = json.loads(text)["keys"]
        entries = [entry for entry in listed if _is_for_signatures(entry)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    found: list[RSAKey | ECKey | OKPKey] = []
    for entry in entries:
        kind = _KINDS[entry["kty"]]
        try:
            found.append(kind.import_key({name: entry[name] for name in _PUBLIC if name in entry}))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return KeySet(list(found)) if found else None


_KINDS: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
"""No symmetric keys: whoever can verify with one can sign with it."""
_PUBLIC = ("kty", "use", "alg", "kid", "n", "e", "crv", "x", "y")


def _is_for_signatures(entry: object) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("kty"), str):
        return False
    return entry["kty"] in _KINDS and entry.get("use", "sig") == "sig"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002 - likewise
        fp: IO[bytes],  # noqa: ARG002 - likewise
        code: int,  # noqa: ARG002 - likewise
        msg: str,  # noqa: ARG002 - likewise
        headers: HTTPMessage,  # noqa: ARG002 - likewise
        newurl: str,  # noqa: ARG002 - likewise
    ) -> None:
        return None


def fetcher(url: str, ca_file: Path | None) -> Callable[[], bytes | None]:
    """What asks a URL for keys, and answers `None` if it cannot."""
    trust = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust), _NoRedirect()
    )

    def fetch() -> bytes | None:
        try:
            with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
                found: bytes = answer.read(LARGEST_ANSWER + 1)
        except (OSError, HTTPException, ValueError):
            return None
        return found if len(found) <= LARGEST_ANSWER else None

    return fetch
