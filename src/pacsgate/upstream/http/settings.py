"""How to reach an HTTP origin, and as whom.

Called by `bootstrap`, which has read the secrets from their files.

Invariants:
- secrets are left out of every `repr`, and URLs cannot carry any.
"""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pacsgate.model.errors import SettingsError


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """HTTP Basic (RFC 7617)."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BearerCredentials:
    """A fixed bearer token (RFC 6750)."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """OAuth 2.0 client credentials (RFC 6749 section 4.4), sent to the token endpoint as HTTP Basic."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None

    def __post_init__(self) -> None:
        require_http_url(self.token_url, "token_url")


OriginCredentials = BasicCredentials | BearerCredentials | ClientCredentials


@dataclass(frozen=True, slots=True)
class OriginSettings:
    """One origin.  `url` is its root; `ca_file` replaces the system's certificate authorities; `identity` is
    what the gate shows to an origin that asks, a certificate and its key.

    `timeout_seconds` bounds connecting, and each silence of the origin while it
    answers; an answer as a whole may take as long as its bytes keep coming.
    """

    url: str
    credentials: OriginCredentials | None = None
    ca_file: Path | None = None
    timeout_seconds: float = 30.0
    verify: bool = True
    """Whether its certificate is verified; if not, whoever is on the way can be the origin."""
    identity: tuple[Path, Path] | None = None

    def __post_init__(self) -> None:
        require_http_url(self.url, "url")

    @property
    def root(self) -> str:
        """The URL without a trailing slash."""
        return self.url.rstrip("/")


def require_http_url(url: str, name: str) -> None:
    """Refuse what is not a plain http or https URL, without repeating it: it may hold a secret."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"`{name}` of an archive must be an http or https URL")
    if parts.username is not None or parts.password is not None:
        raise SettingsError(f"`{name}` of an archive must not hold credentials: use `credentials`")
    if parts.query or parts.fragment:
        raise SettingsError(f"`{name}` of an archive must not have a query or fragment")
