"""What the DICOM door needs to know of the configuration.

Made by `bootstrap` from the configuration file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports.associations import CalledAe
from pacsgate.protocols.dimse.statuses import Status


@dataclass(frozen=True, slots=True)
class AnsweredAe:
    """One AE title under which the gate answers, and the archive behind it."""

    called: CalledAe
    archive: ArchiveName
    scope: TenantScope
    """The tenant whose archive that is: nobody else's people are let in by this title."""


@dataclass(frozen=True, slots=True)
class DimseSettings:
    """The door's part of an installation's settings."""

    ae_titles: Mapping[str, AnsweredAe]
    network_of: Callable[[str | None], str]
    """The name of the zone that holds an address."""
    seats: Path
    """The directory of the seats that all DICOM processes of the gate share."""
    allow_cleartext_identity: bool = False
    forbidden_destination: Status = Status.MOVE_DESTINATION_UNKNOWN
    refuses_as_dcm4chee: bool = False
    """One refused study refuses the whole request, with the statuses of dcm4chee 2."""
    relational_queries: bool = False
    associations_per_subject: int = 16
    maximum_associations: int = 100
