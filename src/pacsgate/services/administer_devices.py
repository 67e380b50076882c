"""Remote application entities: who calls by a title and what proves it, and where objects may be sent.

What could be believed by mistake is refused here, with the sentence that says why: a title that vouches
for people although nothing proves it, a proof that nobody could ever show.

Called by the command line and the administration API.

Standard: PS3.16 CID 401 (110128).
"""

import ipaddress
import re
from dataclasses import fields, replace
from datetime import datetime

from pacsgate.audit.events import EventKind
from pacsgate.model.application_entity import RemoteAe, is_ae_title
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.ports.application_entities import ApplicationEntities
from pacsgate.services.administration import Change, Office, words

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_HOST = re.compile(r"[!-~]{1,255}")


class DeviceAdministration:
    """Changes to the remote application entities of a tenant."""

    def __init__(self, office: Office, remote_aes: ApplicationEntities) -> None:
        self._office = office
        self._remote_aes = remote_aes

    def device(self, scope: TenantScope, ae_title: str) -> RemoteAe:
        """The entry of this title.  Raises `NotFoundError`."""
        found = self._remote_aes.remote_ae(scope, ae_title)
        if found is None:
            raise NotFoundError(
                f"there is no device `{ae_title}`; `pacsgate device list` shows those there are"
            )
        return found

    def devices(self, scope: TenantScope) -> tuple[RemoteAe, ...]:
        """Every entry."""
        return self._remote_aes.remote_aes(scope)

    def add(self, change: Change, device: RemoteAe) -> RemoteAe:
        """Make an entry; returns it as it is kept."""
        checked = self._checked(change, device)
        event = change.event(EventKind.DEVICE_CHANGED, "added", device.ae_title, after=_text(checked))
        self._remote_aes.add_remote_ae(change.scope, checked, event)
        self._office.publish()
        return checked

    def change(self, change: Change, device: RemoteAe) -> RemoteAe:
        """Replace an entry at once; returns it as it is kept."""
        before = self.device(change.scope, device.ae_title)
        checked = self._checked(change, device)
        event = change.event(
            EventKind.DEVICE_CHANGED,
            "changed",
            device.ae_title,
            before=_text(before),
            after=_text(checked),
        )
        self._remote_aes.change_remote_ae(change.scope, checked, event)
        self._office.publish()
        return checked

    def remove(self, change: Change, ae_title: str) -> None:
        """Remove an entry; its account stays."""
        before = self.device(change.scope, ae_title)
        event = change.event(EventKind.DEVICE_CHANGED, "removed", ae_title, before=_text(before))
        self._remote_aes.remove_remote_ae(change.scope, ae_title, event)
        self._office.publish()

    def _checked(self, change: Change, device: RemoteAe) -> RemoteAe:
        if not is_ae_title(device.ae_title):
            raise RequestError(
                f"`{device.ae_title}` is no AE title: 1 to 16 characters, no backslash, no space at an end"
            )
        if not device.owner:
            raise RequestError("a device needs an owner: somebody who answers for it")
        if device.account is not None and self._office.directory.user(change.scope, device.account) is None:
            raise NotFoundError(
                f"no account is called `{device.account}`; "
                f"`pacsgate user add {device.account} --kind device --no-password` makes one"
            )
        _refuse_wrong_proof(device)
        _refuse_wrong_address(device)
        _refuse_wrong_end(device.valid_until, change.at)
        return replace(device, networks=tuple(_network(text) for text in device.networks))


def _refuse_wrong_proof(device: RemoteAe) -> None:
    fingerprint = device.certificate_sha256
    if fingerprint is not None and _FINGERPRINT.fullmatch(fingerprint) is None:
        raise RequestError("a fingerprint is a SHA-256: 64 lower-case hexadecimal digits without colons")
    is_bound = bool(device.networks) or fingerprint is not None
    if device.title_is_enough and is_bound:
        raise RequestError(
            "a title is not enough where a network or certificate must be shown: leave one out"
        )
    if device.vouches_for and not is_bound:
        raise RequestError("only a device that is bound to a network or certificate can vouch for people")


def _refuse_wrong_address(device: RemoteAe) -> None:
    if (device.host is None) != (device.port is None):
        raise RequestError("where a device listens is a host and a port: give both or neither")
    if device.host is None:
        if device.tls:
            raise RequestError("TLS is how something is sent to a device: it needs a host and a port")
        return
    if _HOST.fullmatch(device.host) is None:
        raise RequestError("a host is a name or an address, without spaces")
    if device.port is not None and not 1 <= device.port <= 65535:
        raise RequestError(f"`{device.port}` is no port: 1 to 65535")


def _refuse_wrong_end(until: datetime | None, now: datetime) -> None:
    if until is not None and until <= now:
        raise RequestError("a device's entry must end in the future; to end it now, disable or remove it")


def _network(text: str) -> str:
    """A CIDR block in its one spelling."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise RequestError(
            f"`{text}` is no network: write `10.1.2.0/24`, one address, or an IPv6 prefix, without host bits"
        ) from None


def _text(device: RemoteAe) -> str:
    """What is set, in one line, always in the same order."""
    shown = []
    for one in fields(device):
        value = getattr(device, one.name)
        if one.name != "ae_title" and value not in (None, False, "", (), frozenset()):
            is_many = isinstance(value, tuple | frozenset)
            shown.append(f"{one.name}={words(value) if is_many else value}")
    return "; ".join(shown)
