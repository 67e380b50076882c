"""Brings a database's schema up to date when an installation starts.

The steps are Alembic revisions in `migrations/versions`, run by a program and
never by hand, all in one transaction that keeps other processes out.

Called by `database.open_database`.
"""

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, StampStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from pacsgate.model.errors import SettingsError
from pacsgate.stores.dialects import Flavour, begin_writing
from pacsgate.stores.planner import write_statistics
from pacsgate.stores.tenant_wall import ANY_TENANT

_HERE = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Run what this program has and the database has not.

    Raises `SettingsError` when the database has a revision that this program
    does not know: a newer pacsgate has been here, and an older one must not
    guess what its tables mean.
    """
    scripts = ScriptDirectory(str(_HERE))
    known = {script.revision for script in scripts.walk_revisions()}
    flavour = Flavour(engine.dialect.name)
    with engine.begin() as connection:
        begin_writing(connection, flavour, ANY_TENANT)
        found = set(MigrationContext.configure(connection).get_current_heads())
        if not found <= known:
            raise SettingsError(
                f"the database has schema `{min(found - known)}`, which this pacsgate does not know; "
                "start the newer version that wrote it, or restore a backup"
            )
        if found != set(scripts.get_heads()):
            _run(connection, scripts)
            if flavour is Flavour.SQLITE:
                write_statistics(connection)


def _run(connection: Connection, scripts: ScriptDirectory) -> None:
    def steps(revision: str | tuple[str, ...], _context: MigrationContext) -> list[StampStep]:
        return scripts._upgrade_revs("heads", revision)  # type: ignore[return-value,arg-type]  # noqa: SLF001 - as Alembic's own command does

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()
