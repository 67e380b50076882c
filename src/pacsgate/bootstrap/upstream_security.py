"""Ways to archives on which somebody else could read or answer: served only if that was meant.

What is guarded towards clients is worth nothing if the other leg is open.  So a configuration that leaves it
open is refused, until whoever starts the gate says `--insecure-upstream` as well: one line of a file
is too easily copied from a trial to a hospital.

Called by `supervisor` and `errands`, by `gate` for `/readyz` and the metrics, and by `pacsgate config check`.
"""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from pacsgate.config import ClientCredentialSettings, DicomPeerSettings, DimseArchiveSettings, Settings
from pacsgate.config.archives import HttpArchiveSettings
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT, TenantName


def insecure_upstreams(settings: Settings) -> tuple[str, ...]:
    """What is wrong with the way to each archive over HTTP, in a sentence each."""
    return tuple(sentence for _, sentence in _insecure(settings))


def insecure_upstreams_told_to_strangers(settings: Settings) -> tuple[str, ...]:
    """The same, naming nothing of tenants other than `default`."""
    found = tuple(_insecure(settings))
    own = tuple(sentence for tenant, sentence in found if tenant == DEFAULT_TENANT)
    others = len(found) - len(own)
    told = f"{others} way(s) to archives of other tenants are insecure; `pacsgate config check` names them"
    return (*own, told) if others else own


def refuse_insecure_upstreams(settings: Settings) -> None:
    """Raise `SettingsError` if there is such a way."""
    found = insecure_upstreams(settings)
    if found:
        raise SettingsError(
            "\n".join(found) + "\nif that is meant, start with `pacsgate serve --insecure-upstream`"
        )


def clear_text_peers(settings: Settings) -> tuple[str, ...]:
    """DICOM peers on other machines without TLS, which many archives cannot speak: told, and served."""
    return tuple(
        f"{what} at `{peer.host}` is asked without TLS: anybody on the way reads what it answers"
        for what, peer in _peers(settings)
        if peer.tls is None and not _is_here(peer.host)
    )


def _insecure(settings: Settings) -> Iterator[tuple[TenantName, str]]:
    for name, archive in settings.archives.items():
        if isinstance(archive, HttpArchiveSettings):
            yield from ((archive.tenant, sentence) for sentence in _wrong_with(name, archive))


def _wrong_with(name: str, archive: HttpArchiveSettings) -> Iterator[str]:
    if not archive.verify:
        yield f"archive `{name}`: `verify: false` takes anybody for the archive"
    if _is_clear(archive.url):
        yield f"archive `{name}`: `http://` to another machine lets anybody on the way read and answer"
    credentials = archive.credentials
    if isinstance(credentials, ClientCredentialSettings) and _is_clear(credentials.token_url):
        yield f"archive `{name}`: `token_url` sends the client's secret in clear text"


def _peers(settings: Settings) -> Iterator[tuple[str, DicomPeerSettings]]:
    for name, archive in settings.archives.items():
        if isinstance(archive, DimseArchiveSettings):
            yield f"archive `{name}`", archive
    if settings.dicom is not None:
        for what, peer in (
            ("the worklist", settings.dicom.worklist),
            ("the keeper of procedure steps", settings.dicom.procedure_steps),
        ):
            if peer is not None:
                yield what, peer


def _is_clear(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_here(parts.hostname or "")


def _is_here(host: str) -> bool:
    """Whether a host is this very machine, whatever its resolver says of names."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
