"""`pacsgate secrets`: the key that seals secrets in the database."""

import typer

from pacsgate.audit.events import EventKind
from pacsgate.bootstrap.factors import factor_stores
from pacsgate.cli.desk import open_desk
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config
from pacsgate.cli.printing import print_json, print_line
from pacsgate.identity.sealing import add_sealing_key
from pacsgate.services.reseal_secrets import reseal_secrets

app = typer.Typer(help="Replace the key that seals secrets in the database.", no_args_is_help=True)


@app.callback()
def secrets() -> None:
    """Keep the name of the group, which has one command."""


@app.command()
def rotate(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Make a new key and seal everything under it; the key before it stays until the next rotation."""
    with open_desk(config) as desk:
        here = desk.installation
        path = here.settings.sealing_key_file
        add_sealing_key(path)
        resealed = [reseal_secrets(factor_stores(here), scope) for scope in here.scopes()]
        sealed, lost = sum(each.sealed for each in resealed), sum(each.lost for each in resealed)
        event = desk.change().event(
            EventKind.SECRETS_RESEALED,
            "sealing key replaced",
            path.name,
            sealed=str(sealed),
            lost=str(lost),
        )
        here.trail.record(event)
    if as_json:
        print_json({"key_file": str(path), "sealed": sealed, "lost": lost})
        return
    print_line(f"new key in `{path}`: {sealed} secret(s) sealed under it")
    if lost:
        print_line(f"{lost} secret(s) cannot be opened: their owners need a new second factor")
