"""From `identity.certificates` to the door that believes client certificates.

Called by `doors`; checked by `errands` and by `pacsgate config check` before anything is served.
"""

import os
from datetime import datetime

from pacsgate.bootstrap.clock import SystemClock
from pacsgate.bootstrap.identity_sources import certificate_policy, federated_accounts
from pacsgate.bootstrap.installation import Installation
from pacsgate.config import Settings
from pacsgate.config.certificates import CertificateSourceSettings, OcspUse
from pacsgate.identity.certificates.asking import ask
from pacsgate.identity.certificates.chains import read_authorities
from pacsgate.identity.certificates.door import CertificateDoor
from pacsgate.identity.certificates.revocation_lists import ListsOfFile, PublishedLists, RevocationLists
from pacsgate.identity.certificates.source import CertificateSource
from pacsgate.identity.certificates.status_answers import StatusAnswers
from pacsgate.identity.latest_time import LatestTime
from pacsgate.ports import Clock


def check_certificate_sources(settings: Settings) -> None:
    """Raise `SettingsError` for authorities or revocation lists that cannot be read."""
    for source in settings.identity.certificates:
        _source(source, SystemClock())


def certificate_door(installation: Installation, last_recorded: datetime) -> CertificateDoor | None:
    """Who checks client certificates; `None` where nobody's are believed."""
    sources = certificate_sources(installation)
    if not sources:
        return None
    return CertificateDoor(
        sources,
        federated_accounts(installation),
        clock=installation.clock,
        latest=LatestTime(last_recorded),
    )


def certificate_sources(installation: Installation) -> tuple[CertificateSource, ...]:
    """The authorities whose certificates are believed."""
    return tuple(
        _source(source, installation.clock) for source in installation.settings.identity.certificates
    )


def _source(given: CertificateSourceSettings, clock: Clock) -> CertificateSource:
    return CertificateSource(
        policy=certificate_policy(given),
        authorities=read_authorities(given.ca_file),
        field=given.map.by.value,
        domain=given.map.domain,
        lists=_lists(given, clock),
        answers=StatusAnswers(given.ocsp_url, ask, os.urandom) if given.ocsp is OcspUse.REQUIRED else None,
    )


def _lists(given: CertificateSourceSettings, clock: Clock) -> RevocationLists | None:
    if given.crl_file is not None:
        return ListsOfFile(given.crl_file, clock.monotonic)
    if given.crl_url is not None:
        return PublishedLists(given.crl_url, ask, clock.monotonic)
    return None
