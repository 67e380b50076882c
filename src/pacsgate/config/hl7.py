"""Where the gate hears HL7 messages, from whom, and which of dcm4chee's stylesheets it runs.

Called by `settings`.
"""

import ipaddress
import re
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from pacsgate.config.base import Section
from pacsgate.config.tenants import OfATenant
from pacsgate.config.tls import DicomTlsSettings
from pacsgate.model.stylesheet import StylesheetName

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Hl7SenderSettings(OfATenant):
    """One system that sends messages, and the device account that it is.

    All evidence that is named must hold.
    """

    account: str
    """A device account; it needs a role with `GrantByOrder`."""
    networks: tuple[Network, ...] = ()
    """CIDR blocks that it sends from."""
    certificate_sha256: str | None = None
    """SHA-256 of its client certificate (DER)."""

    @field_validator("certificate_sha256")
    @classmethod
    def _is_a_fingerprint(cls, value: str | None) -> str | None:
        if value is not None and _FINGERPRINT.fullmatch(value.replace(":", "").lower()) is None:
            raise ValueError("a fingerprint is the 64 hexadecimal digits of a SHA-256")
        return None if value is None else value.replace(":", "").lower()

    @model_validator(mode="after")
    def _can_be_told(self) -> "Hl7SenderSettings":
        if not self.networks and self.certificate_sha256 is None:
            raise ValueError(
                f"nothing tells `{self.account}` from anybody else: give `networks` or `certificate_sha256`"
            )
        return self


class Hl7ListenerSettings(Section):
    """One MLLP listener.  Port 0 asks the system for a free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=2575, ge=0, le=65535)
    tls: DicomTlsSettings | None = None
    senders: tuple[Hl7SenderSettings, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _certificates_can_be_seen(self) -> "Hl7ListenerSettings":
        for sender in self.senders:
            if sender.certificate_sha256 is not None and (self.tls is None or self.tls.client_ca is None):
                raise ValueError(
                    f"`{sender.account}` is told by its certificate, but the listener asks for none: "
                    "give it `tls` with `client_ca`"
                )
        return self


class Hl7Settings(Section):
    """The HL7 side of the gate.  Messages are taken only from accounts that hold `GrantByOrder`."""

    listeners: tuple[Hl7ListenerSettings, ...] = Field(min_length=1)


class Dcm4cheeSettings(Section):
    """dcm4chee 2's stylesheets for study permissions, and what its successor calls access control ids."""

    series_stylesheet: Path | None = None
    """For the first object of a study and for each complete series."""
    mpps_stylesheet: Path | None = None
    """For each procedure step that a modality begins."""
    hl7_stylesheet: Path | None = None
    """For each message."""
    store_labels: Path | None = None
    """dcm4chee 5's store access control id rules, as the import wrote them."""

    @property
    def stylesheets(self) -> dict[StylesheetName, Path]:
        """Those that there are."""
        named = {
            StylesheetName.SERIES: self.series_stylesheet,
            StylesheetName.PROCEDURE_STEP: self.mpps_stylesheet,
            StylesheetName.MESSAGE: self.hl7_stylesheet,
        }
        return {name: path for name, path in named.items() if path is not None}
