"""Where a statement of the index is run: on which connection, for which tenant, in which archive.

Called by everything that reads or writes the index.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from pacsgate.stores.dialects import Flavour


@dataclass(frozen=True, slots=True)
class Place:
    """One archive of one tenant, within one transaction."""

    connection: Connection
    tenant: str
    archive: str
    version: int = 0
    """The version of the index that this transaction makes, if it writes."""
    orthanc: bool = False
    """Whether the archive is an Orthanc, whose identifiers the index keeps."""

    @property
    def flavour(self) -> Flavour:
        """Which database it is."""
        return Flavour(self.connection.dialect.name)
