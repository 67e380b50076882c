"""Whether a caller is the application entity whose title it uses.

A title is a claim.  What is configured beside it (networks, a certificate) is the proof, and all
of it must hold.  An entry without any proof is a destination and says nothing about callers,
unless its title is enough by configuration.

Called by `door`.

Invariants:
- an entry that is disabled, expired or contradicted refuses whoever uses its title, whatever else
  they present: a title that is known is never taken for an unknown one.

Standard: PS3.15 B.12 (node authentication by certificate).
"""

import hmac
import ipaddress
from datetime import datetime

from pacsgate.identity.refusals import Cause
from pacsgate.model.application_entity import RemoteAe
from pacsgate.ports.associations import Requestor


def proven(entity: RemoteAe | None, requestor: Requestor, now: datetime) -> RemoteAe | Cause | None:
    """The entry, if the caller is proven to be it; why it is not; `None` if there is nothing to go by."""
    if entity is None:
        return None
    if not entity.is_valid(now):
        return Cause.ENDED_DEVICE
    if not is_bound(entity):
        return entity if entity.title_is_enough else None
    if entity.networks and not _is_within(requestor.address, entity.networks):
        return Cause.WRONG_NETWORK
    expected = entity.certificate_sha256
    if expected is not None and not hmac.compare_digest(expected, requestor.certificate_sha256 or ""):
        return Cause.WRONG_CERTIFICATE
    return entity


def is_bound(entity: RemoteAe) -> bool:
    """Whether more than its title proves that a caller is it."""
    return bool(entity.networks) or entity.certificate_sha256 is not None


def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        here = ipaddress.ip_address(address.partition("%")[0])  # a zone says only which interface it was
    except ValueError:
        return False
    if isinstance(here, ipaddress.IPv6Address) and here.ipv4_mapped is not None:
        here = here.ipv4_mapped
    return any(here in ipaddress.ip_network(network) for network in networks)
