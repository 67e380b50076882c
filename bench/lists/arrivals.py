"""A study that is written between two lists: what its arrival is to a process that remembers lists.

Its row stays as it was; the version of the index moves, and its kind says that rows of it were
written, as they do when a study is stored again.  So a database can be measured and kept.

Called by `measuring`.
"""

from sqlalchemy import desc, select

from bench.lists.loading import ARCHIVE, SCOPE
from pacsgate.stores.changes import Topic, move_epoch
from pacsgate.stores.database import Database
from pacsgate.stores.kinds import Weight, count_in, count_out
from pacsgate.stores.place import Place
from pacsgate.stores.schema import study
from pacsgate.stores.tenant_wall import ANY_TENANT

_NEWEST = 1_000
_NOTHING = Weight(series=0, instances=0, recency=0)


def newest_kinds(database: Database) -> list[int]:
    """The kinds of the newest studies, as they follow each other."""
    with database.reading(ANY_TENANT) as connection:
        newest = (
            select(study.c.kind_pk)
            .where(study.c.tenant == SCOPE.tenant, study.c.archive == ARCHIVE)
            .order_by(desc(study.c.recency), study.c.study_pk)
            .limit(_NEWEST)
        )
        return list(connection.scalars(newest))


def write_one(database: Database, kind_pk: int) -> None:
    """Let a study of this kind be written."""
    with database.writing(ANY_TENANT) as connection:
        version = move_epoch(connection, SCOPE.tenant, Topic.INDEX)
        place = Place(connection, SCOPE.tenant, ARCHIVE, version)
        count_in(place, kind_pk, _NOTHING)
        count_out(place, kind_pk, _NOTHING)
