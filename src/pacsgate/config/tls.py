"""TLS of what listens: the certificate shown, the suites spoken, and whose certificates clients may show.

Called by `listeners`, `dicom` and, through them, `hl7`.

Standard: PS3.15 B.12, B.13 (TLS profiles).
"""

from enum import StrEnum
from pathlib import Path

from pydantic import model_validator

from pacsgate.config.base import Section


class TlsProfile(StrEnum):
    """Which versions and suites of TLS a listener takes."""

    BCP_195 = "bcp-195"
    """TLS 1.2 and 1.3 (PS3.15 B.12)."""
    EXTENDED_BCP_195 = "extended-bcp-195"
    """The same, restricted to stronger suites (PS3.15 B.13)."""


class ClientCertificate(StrEnum):
    """Whether clients show a certificate of their own."""

    NONE = "none"
    OPTIONAL = "optional"
    """Asked for; whoever has none signs in otherwise."""
    REQUIRED = "required"
    """Without one there is no connection."""


class ServerTlsSettings(Section):
    """What every listener with TLS has.  Files that change are read again; a broken pair changes nothing."""

    certificate: Path
    """PEM, with its chain."""
    key: Path
    """PEM, without a password."""
    profile: TlsProfile = TlsProfile.BCP_195
    """Which suites are spoken: those of PS3.15 B.12, or the stronger ones of B.13 only."""


class DicomTlsSettings(ServerTlsSettings):
    """TLS of one DICOM or HL7 listener."""

    client_ca: Path | None = None
    """Whose certificates clients show; without it none is asked for."""
    client_certificate_required: bool = True
    """Whether a client without one is left out; if not, it is who it says by other means."""


class HttpTlsSettings(ServerTlsSettings):
    """TLS of one HTTP listener."""

    client_certificate: ClientCertificate = ClientCertificate.NONE
    """Whether clients are asked for a certificate, and whether they need one."""
    client_ca: Path | None = None
    """Whose certificates clients show; those of all `identity.certificates` when absent."""

    @model_validator(mode="after")
    def _authorities_are_for_something(self) -> "HttpTlsSettings":
        if self.client_ca is not None and self.client_certificate is ClientCertificate.NONE:
            raise ValueError("`client_ca` without `client_certificate: optional` or `required` is not asked")
        return self
