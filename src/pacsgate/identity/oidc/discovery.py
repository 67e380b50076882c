"""What a provider says of itself, under its own name only.

Asked for when it is first needed, again every hour, and never more often than twice a minute; while
the provider does not answer, what it last said counts for another day.

Called by `provider`.

Standard: OpenID Connect Discovery 1.0 4; RFC 8414 3.3 (the issuer must be the one that was asked).
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pacsgate.identity.assertions.outside import Outside
from pacsgate.ports import Clock

FRESH_SECONDS = 3600.0
LAST_KNOWN_SECONDS = 86400.0
ASKED_EVERY_SECONDS = 30.0
PATIENCE_SECONDS = 10.0

_WELL_KNOWN = "/.well-known/openid-configuration"
_TENANT = "{tenantid}"
_FOR_ALL_TENANTS = "organizations"
"""Where Entra ID tells of itself for every tenant but personal accounts."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """A provider's endpoints; those that are `None` it does not have."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    introspection_endpoint: str | None = None
    end_session_endpoint: str | None = None
    names_itself: bool = False
    """Whether its answers to browsers say who answers (RFC 9207)."""
    takes_basic: bool = True
    """Whether a client may show its secret in an `Authorization` header."""


def read_metadata(stated: Mapping[str, Any] | None, issuer: str) -> Metadata | None:
    """The metadata of `issuer`; `None` if it is somebody else's, lacks what is needed or leaves HTTPS."""
    if stated is None or stated.get("issuer") != issuer:
        return None
    authorization, token, keys = (
        _url(stated, name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
    )
    if authorization is None or token is None or keys is None:
        return None
    methods = stated.get("token_endpoint_auth_methods_supported")
    return Metadata(
        issuer,
        authorization,
        token,
        keys,
        userinfo_endpoint=_url(stated, "userinfo_endpoint"),
        introspection_endpoint=_url(stated, "introspection_endpoint"),
        end_session_endpoint=_url(stated, "end_session_endpoint"),
        names_itself=stated.get("authorization_response_iss_parameter_supported") is True,
        takes_basic=not isinstance(methods, list) or "client_secret_basic" in methods,
    )


class Discovery:
    """The metadata of one provider, as last known."""

    def __init__(self, outside: Outside, issuer: str, clock: Clock) -> None:
        self._outside = outside
        self._issuer = issuer
        self._clock = clock
        self._asking = threading.Lock()
        self._held: tuple[Metadata, float] | None = None
        self._asked_at: float | None = None

    def metadata(self) -> Metadata | None:
        """What the provider says of itself; `None` while it has never answered, or not for a day."""
        if not self._is_fresh() and self._asking.acquire(timeout=PATIENCE_SECONDS):
            try:
                if not self._is_fresh():
                    self._ask(self._clock.monotonic())
            finally:
                self._asking.release()
        held = self._held
        if held is None or self._clock.monotonic() - held[1] >= LAST_KNOWN_SECONDS:
            return None
        return held[0]

    def _is_fresh(self) -> bool:
        return self._held is not None and self._clock.monotonic() - self._held[1] < FRESH_SECONDS

    def _ask(self, now: float) -> None:
        if self._asked_at is not None and now - self._asked_at < ASKED_EVERY_SECONDS:
            return
        self._asked_at = now
        where = self._issuer.replace(_TENANT, _FOR_ALL_TENANTS).removesuffix("/")
        answer = self._outside.get(where + _WELL_KNOWN)
        found = None if answer is None else read_metadata(answer.object(), self._issuer)
        if found is not None:
            self._held = (found, now)


def _url(stated: Mapping[str, Any], name: str) -> str | None:
    value = stated.get(name)
    return value if isinstance(value, str) and value.startswith("https://") and value.isprintable() else None
