"""What an agent is told by its environment, in the names that HID's agents use, and some of its own.

| variable | what it says |
| --- | --- |
| `Agent__TenantId`, `Agent__PacsId` | which PACS it is the agent of |
| `Agent__PlatformUrl` | where the gate is |
| `Auth__ClientId`, `Auth__ClientSecret` | its account and secret; `Auth__ClientSecret_FILE` names a file |
| `Auth__AuthNProvider` | where tokens are issued; `{Agent__PlatformUrl}/oauth2/token` when absent |
| `Agent__Adapter` | `door-simulator`, `archive`, or the name of an adapter of another package |
| `Agent__DataDirectory` | where it keeps its database |
| `Agent__CaFile` | certificates that it trusts instead of the system's |
| `Agent__SitePlan` | of `door-simulator`: a YAML file with the plan of the site |
| `Agent__Config` | of `archive`: the configuration file of the installation beside it; of others, their own |
| `Agent__AllowHttp` | `true` lets it speak without TLS to what is not this machine |

Called by `bootstrap.agent`.

Invariants:
- every problem is named at once, and no value of a secret is;
- a secret goes out over verified TLS, or to this machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pacsgate.agent.adapters import ARCHIVE, adapter_names
from pacsgate.model.access import PacsPlace
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import ArchiveName, TenantName

_PREFIXES = ("Agent__", "Auth__")
_OF_FILE = "_FILE"
_REQUIRED = (
    "Agent__TenantId",
    "Agent__PacsId",
    "Agent__PlatformUrl",
    "Auth__ClientId",
    "Auth__ClientSecret",
    "Agent__Adapter",
    "Agent__DataDirectory",
)
_OPTIONAL = (
    "Auth__AuthNProvider",
    "Agent__CaFile",
    "Agent__SitePlan",
    "Agent__Config",
    "Agent__AllowHttp",
)
_SECRET = "Auth__ClientSecret"  # noqa: S105 - the name of a variable
_KNOWN = frozenset({*_REQUIRED, *_OPTIONAL, f"{_SECRET}{_OF_FILE}"})


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """One agent."""

    place: PacsPlace
    platform_url: str
    client_id: str
    client_secret: str = field(repr=False)
    token_url: str
    adapter: str
    data: Path
    ca_file: Path | None = None
    site_plan: Path | None = None
    config: Path | None = None

    @property
    def pacs_url(self) -> str:
        """Below which the gate keeps what is the agent's."""
        return f"{self.platform_url}/api/v1/tenants/{self.place.tenant}/pacs/{self.place.pacs}/agent"


def read_environment(environment: Mapping[str, str]) -> AgentSettings:
    """Read the settings.  Raises `SettingsError` with every problem."""
    given = {name: text for name, text in environment.items() if name.startswith(_PREFIXES) and text}
    wrong = [f"`{name}` is not a setting of agents" for name in sorted(given.keys() - _KNOWN)]
    secret_file = given.pop(f"{_SECRET}{_OF_FILE}", None)
    if secret_file is not None:
        try:
            given[_SECRET] = Path(secret_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            wrong.append(f"the file of `{_SECRET}{_OF_FILE}` cannot be read")
    wrong += [f"`{name}` is missing" for name in _REQUIRED if not given.get(name)]
    adapter = given.get("Agent__Adapter")
    if adapter is not None and adapter not in (known := adapter_names()):
        wrong.append(f"`Agent__Adapter` is one of {', '.join(f'`{each}`' for each in known)}")
    if adapter == ARCHIVE and "Agent__Config" not in given:
        wrong.append(
            "`Agent__Config` is missing: the configuration file of the installation beside the agent"
        )
    platform = given.get("Agent__PlatformUrl", "").rstrip("/")
    token_url = given.get("Auth__AuthNProvider", f"{platform}/oauth2/token")
    allows_http = given.get("Agent__AllowHttp", "false") == "true"
    for name, url in (("Agent__PlatformUrl", platform), ("Auth__AuthNProvider", token_url)):
        if platform and not _is_safe(url, allows_http=allows_http):
            wrong.append(f"`{name}` must begin with `https://` (or `Agent__AllowHttp=true`, and know why)")
    if wrong:
        raise SettingsError(f"the agent's environment: {'; '.join(wrong)}")
    return AgentSettings(
        place=PacsPlace(TenantName(given["Agent__TenantId"]), ArchiveName(given["Agent__PacsId"])),
        platform_url=platform,
        client_id=given["Auth__ClientId"],
        client_secret=given[_SECRET],
        token_url=token_url,
        adapter=given["Agent__Adapter"],
        data=Path(given["Agent__DataDirectory"]),
        ca_file=_path(given.get("Agent__CaFile")),
        site_plan=_path(given.get("Agent__SitePlan")),
        config=_path(given.get("Agent__Config")),
    )


def read_env_file(text: str) -> dict[str, str]:
    """The variables of an env file: `NAME=value` lines, comments after `#` at their beginning."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.strip()
        if not plain or plain.startswith("#"):
            continue
        name, separator, value = plain.partition("=")
        if not separator or not name.strip():
            raise SettingsError(f"the env file, line {number}: not `NAME=value`")
        found[name.strip()] = value.strip().strip('"')
    return found


def _is_safe(url: str, *, allows_http: bool) -> bool:
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and (allows_http or _is_here(parts.hostname)))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
