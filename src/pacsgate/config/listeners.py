"""Where the gate listens, and below which paths clients of before find their archive.

Called by `settings`.
"""

import re

from pydantic import Field, field_validator, model_validator

from pacsgate.config.base import Section
from pacsgate.config.tls import HttpTlsSettings
from pacsgate.gateway.http.mounts import Dialect, Mount
from pacsgate.model.resource import ArchiveName

_MOUNT_PATH = re.compile(r"/|(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
_OWN_PATHS = frozenset(
    {
        ".well-known",
        "access",
        "admin",
        "api",
        "archives",
        "assets",
        "auth",
        "healthz",
        "metrics",
        "readyz",
        "reset",
        "scim",
        "second-factor",
        "security",
        "setup",
        "sign-in",
        "sign-out",
        "step-up",
        "studies",
        "viewer",
    }
)
"""First segments of the gate's own pages, which a mount beside them must leave alone."""


class MountSettings(Section):
    """One dialect of one archive below a path of this listener, where clients of before look for it."""

    path: str
    """Begins with `/` and ends without one; `/` alone takes the whole listener, pages of the gate too."""
    dialect: Dialect
    archive: ArchiveName

    @field_validator("path")
    @classmethod
    def _path_is_plain(cls, value: str) -> str:
        if _MOUNT_PATH.fullmatch(value) is None:
            raise ValueError(
                f"`{value}` is no path for a mount: write `/pacs`, with letters, digits, `.`, `_`, `~` "
                "and `-` in each segment and no `/` at the end"
            )
        return value

    @property
    def value(self) -> Mount:
        """The mount, as the door takes it."""
        return Mount(self.path.rstrip("/").encode("ascii"), self.dialect, self.archive)


class ListenerSettings(Section):
    """One HTTP listener.  Port 0 asks the system for a free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=8042, ge=0, le=65535)
    tls: HttpTlsSettings | None = None
    """HTTPS; without it the listener speaks plain HTTP."""
    redirect: bool = False
    """Whether every request is only shown the way (308) to the same path below `public_url`, an https one."""
    mounts: tuple[MountSettings, ...] = ()
    """Further paths for dialects; the longest prefix of a path wins."""
    public_url: str | None = None
    """How clients reach this listener, when that is not how it listens nor the `public_url` of the whole."""

    @property
    def is_taken(self) -> bool:
        """Whether a mount of `/` leaves no room for the gate's own pages."""
        return any(mount.path == "/" for mount in self.mounts)

    @model_validator(mode="after")
    def _redirect_does_nothing_else(self) -> "ListenerSettings":
        if self.redirect and (self.tls is not None or self.mounts):
            raise ValueError("a listener with `redirect` has neither `tls` nor `mounts`: it serves nothing")
        return self

    @field_validator("mounts")
    @classmethod
    def _mounts_mean_one_thing(cls, value: tuple[MountSettings, ...]) -> tuple[MountSettings, ...]:
        paths = [mount.path for mount in value]
        for path in paths:
            if paths.count(path) > 1:
                raise ValueError(f"`{path}` is mounted twice on one listener")
            if "/" not in paths and path.split("/")[1] in _OWN_PATHS:
                raise ValueError(f"`{path}` would hide pages of the gate: choose another path, or mount `/`")
        return value
