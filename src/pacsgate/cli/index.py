"""`pacsgate index`: fill the study index, and see what it holds."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pacsgate.bootstrap import feeds
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.failures import told
from pacsgate.cli.installation import open_installation
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config
from pacsgate.cli.printing import Json, print_json, print_line, print_table
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.services.sync_index import SyncProgress

app = typer.Typer(help="Fill and inspect the study index.", no_args_is_help=True)

_FEED = {False: "current", True: "behind"}

Archive = Annotated[str | None, typer.Option("--archive", help="One archive; all of them otherwise.")]


@app.command()
def sync(archive: Archive = None, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Index everything an archive holds; an interrupted sync goes on where it stopped."""
    with told(), open_installation(config) as installation:
        results: dict[str, Json] = {}
        for archive_name in _chosen(archive, tuple(installation.archives.by_name)):
            scope = installation.tenant_archives.scope_of(archive_name)
            if installation.policy_of(scope) is None:
                # The policy says which facts to index; before the first `serve` there is none yet.
                PolicyWatch(installation, scope).publish()
            with _bar(archive_name, quiet=as_json) as bar:
                task = bar.add_task(archive_name, total=None)
                results[archive_name] = 0

                def report(progress: SyncProgress) -> None:
                    results[archive_name] = progress.done  # noqa: B023 - called in this turn
                    bar.update(task, completed=progress.done, total=progress.total)  # noqa: B023 - the same

                feeds.sync(installation, archive_name, report)
    if as_json:
        print_json({"indexed": results})
    else:
        for name, count in results.items():
            print_line(f"{name}: {count} instances indexed")


@app.command()
def status(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Show how much of each archive is indexed."""
    with told(), open_installation(config) as installation:
        rows: list[dict[str, Json]] = []
        index, freshness = installation.stores.index, installation.freshness
        for name, tenant in installation.tenant_archives.owners.items():
            scope = TenantScope(tenant)
            studies, series, instances = index.counts(scope, name)
            unfinished = index.unfinished_sync(scope, name) is not None
            is_fed = name in feeds.fed(installation.settings)
            has_policy = installation.policy_of(scope) is not None
            rows.append(
                {
                    "archive": str(name),
                    "tenant": str(tenant),
                    "studies": studies,
                    "series": series,
                    "instances": instances,
                    "sync": "unfinished" if unfinished else "complete",
                    "feed": _FEED[freshness.is_behind(scope, name)] if is_fed else None,
                    "undecided": installation.filters.left(scope, name) if has_policy else 0,
                }
            )
    if as_json:
        print_json(rows)
    else:
        columns = ("archive", "studies", "series", "instances", "sync", "feed", "undecided")
        print_table(rows, columns, "No archive is configured.")


def _chosen(archive: str | None, known: tuple[ArchiveName, ...]) -> tuple[ArchiveName, ...]:
    if archive is None:
        return known
    if archive not in known:
        raise SettingsError(f"no archive is called `{archive}`; there are: {', '.join(known)}")
    return (ArchiveName(archive),)


def _bar(name: str, *, quiet: bool) -> Progress:
    return Progress(
        TextColumn(name),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        disable=quiet,
    )
