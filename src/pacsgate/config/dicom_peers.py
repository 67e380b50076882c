"""Application entities that the gate associates with: archives, worklists, keepers of procedure steps.

Called by `archives` and `dicom`.

Standard: PS3.8 9.3.2 (AE titles); PS3.15 B.12 (TLS).
"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from pacsgate.config.base import Section, refuse_half_a_pair
from pacsgate.model.application_entity import is_ae_title


def checked_ae_title(title: str) -> str:
    """The title, if it is one."""
    if not is_ae_title(title):
        raise ValueError(f"`{title}` is no AE title: 1 to 16 characters, no backslash, no space at an end")
    return title


AeTitle = Annotated[str, AfterValidator(checked_ae_title)]


class ClientTlsSettings(Section):
    """TLS towards others: whom to trust, and what the gate shows."""

    ca_file: Path | None = None
    """The certificate authorities to trust instead of the system's."""
    certificate: Path | None = None
    """What the gate shows, for peers that ask for a certificate: PEM, with its chain."""
    key: Path | None = None

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> "ClientTlsSettings":
        refuse_half_a_pair(certificate=self.certificate, key=self.key)
        return self


class PeerTlsSettings(ClientTlsSettings):
    """TLS towards one peer."""

    certificate_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the peer's certificate (DER): then this certificate is trusted, and no other."""


class DicomPeerSettings(Section):
    """One application entity that the gate asks."""

    host: str
    port: int = Field(ge=1, le=65535)
    ae_title: AeTitle
    """Its own title, by which the gate calls it."""
    calling_ae_title: AeTitle = "PACSGATE"
    """The gate's title, as the peer knows it."""
    tls: PeerTlsSettings | None = None
    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """For the connection, for each message, and for the silence before it."""
