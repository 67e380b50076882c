"""All stores of one installation, on one database.

Called by `bootstrap`.
"""

from dataclasses import dataclass

from pacsgate.ports import Directory, EpochStore, OutboxStore, RevisionStore, StudyIndex
from pacsgate.ports.candidates import CandidateStore
from pacsgate.stores.candidates import SqlCandidates
from pacsgate.stores.database import Database
from pacsgate.stores.directory import SqlDirectory
from pacsgate.stores.epochs import open_epochs
from pacsgate.stores.outbox import SqlOutbox
from pacsgate.stores.revisions import SqlRevisions
from pacsgate.stores.study_index import SqlStudyIndex


@dataclass(frozen=True, slots=True)
class Stores:
    """The adapters behind the ports that stand on a database."""

    index: StudyIndex
    directory: Directory
    outbox: OutboxStore
    revisions: RevisionStore
    candidates: CandidateStore
    epochs: EpochStore


def stores_on(database: Database) -> Stores:
    """The stores of an open database."""
    return Stores(
        index=SqlStudyIndex(database),
        directory=SqlDirectory(database),
        outbox=SqlOutbox(database),
        revisions=SqlRevisions(database),
        candidates=SqlCandidates(database),
        epochs=open_epochs(database),
    )
