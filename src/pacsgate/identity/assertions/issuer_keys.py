"""The public keys of an issuer: from a file, or from where it publishes them.

Published keys are fetched when they are first needed and again every ten minutes, or at once when
a token names a key that is not among them, though never more often than once in half a minute: who
makes up names of keys must not make the gate ask without end.  While the issuer does not answer, what
it last said counts for another hour, and then for nothing.

Called by `json_web_tokens`.

Invariants:
- only public keys for signatures are ever used;
- whoever needs a key that is known never waits for one that is not.

Standard: RFC 7517.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from pacsgate.model.errors import SettingsError
from pacsgate.ports import Clock

FRESH_SECONDS = 600.0
ASKED_EVERY_SECONDS = 30.0
LAST_KNOWN_SECONDS = 3600.0
PATIENCE_SECONDS = 10.0
"""For somebody else who is asking already."""


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


@dataclass(frozen=True, slots=True)
class _Held:
    keys: KeySet
    since: float


class PublishedKeys:
    """Keys at a URL."""

    def __init__(self, fetch: Callable[[], bytes | None], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._fetching = threading.Lock()
        self._held: _Held | None = None
        self._asked_at: float | None = None

    def keys(self, key_id: str | None) -> KeySet | None:
        """The keys, fetched if they are stale or lack this one."""
        if not self._suffices(key_id) and self._fetching.acquire(timeout=PATIENCE_SECONDS):
            try:
                if not self._suffices(key_id):
                    self._ask(self._clock.monotonic())
            finally:
                self._fetching.release()
        held = self._held
        if held is None or self._clock.monotonic() - held.since >= LAST_KNOWN_SECONDS:
            return None
        return held.keys

    def _suffices(self, key_id: str | None) -> bool:
        held = self._held
        if held is None or self._clock.monotonic() - held.since >= FRESH_SECONDS:
            return False
        return key_id is None or any(key.kid == key_id for key in held.keys)

    def _ask(self, now: float) -> None:
        if self._asked_at is not None and now - self._asked_at < ASKED_EVERY_SECONDS:
            return
        self._asked_at = now
        answer = self._fetch()
        found = None if answer is None else read_key_set(answer)
        if found is not None:
            self._held = _Held(found, now)


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
