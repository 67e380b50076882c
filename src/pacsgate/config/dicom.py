"""Where the gate speaks DIMSE, and under which AE titles.

Called by `settings`.

Standard: PS3.8 9.3.2 (AE titles).
"""

from enum import StrEnum

from pydantic import Field, model_validator

from pacsgate.config.base import Section
from pacsgate.config.dicom_peers import AeTitle, ClientTlsSettings, DicomPeerSettings
from pacsgate.config.tenants import OfATenant
from pacsgate.config.tls import DicomTlsSettings
from pacsgate.model.resource import ArchiveName


class DicomListenerSettings(Section):
    """One DICOM listener.  Port 0 asks the system for a free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=11112, ge=0, le=65535)
    tls: DicomTlsSettings | None = None


class CalledAeSettings(Section):
    """One AE title under which the gate answers."""

    archive: ArchiveName
    account: str | None = None
    """The account that requestors without an identity of their own act as."""
    roles: tuple[str, ...] = ()
    """Roles that everybody has who comes by this title."""


class ForbiddenDestination(StrEnum):
    """How a C-MOVE to a forbidden destination is answered."""

    UNKNOWN = "a801"
    """As if it did not exist."""
    NOT_ALLOWED = "c801"
    """As dcm4chee 5 says it."""
    NOT_AUTHORIZED = "0124"


class Refusals(StrEnum):
    """How retrieving and appending are refused."""

    STANDARD = "standard"
    """What may not be sent is left out; a request of which nothing may be sent is answered 0124H."""
    DCM4CHEE = "dcm4chee"
    """As dcm4chee 2 does it: one refused study refuses the whole request, with statuses CE10H to CE24H."""


class NeighbourSettings(OfATenant, DicomPeerSettings):
    """An application entity that is there for the people and archives of one tenant."""


class DicomSettings(Section):
    """The DICOM side of the gate."""

    listeners: tuple[DicomListenerSettings, ...] = (DicomListenerSettings(),)
    processes: int = Field(default=2, ge=1, le=64)
    """How many processes share the associations; more than there are processors gain nothing."""
    ae_titles: dict[AeTitle, CalledAeSettings] = Field(min_length=1)
    allow_cleartext_identity: bool = False
    """Whether passcodes, assertions and tokens are taken on a listener without TLS; warned about at start."""
    forbidden_destination: ForbiddenDestination = ForbiddenDestination.UNKNOWN
    refusals: Refusals = Refusals.STANDARD
    outgoing_tls: ClientTlsSettings = ClientTlsSettings()
    """Towards destinations and requestors of storage commitment that `pacsgate device` knows with `--tls`."""
    worklist: NeighbourSettings | None = None
    """Where modality worklists come from: queries are passed on to it, and it is asked for the orders of
    studies that arrive."""
    procedure_steps: NeighbourSettings | None = None
    """Who keeps the procedure steps that modalities report (MPPS)."""
    relational_queries: bool = False
    """Whether C-FIND may leave out the unique keys of the levels above (PS3.4 C.4.1.2.2.2)."""
    associations_per_subject: int = Field(default=16, ge=1, le=1000)
    maximum_associations: int = Field(default=100, ge=1, le=10_000)

    @model_validator(mode="after")
    def _ports_differ(self) -> "DicomSettings":
        fixed = [(listener.host, listener.port) for listener in self.listeners if listener.port]
        if len(set(fixed)) < len(fixed):
            raise ValueError("two DICOM listeners have the same host and port")
        return self
