"""`pacsgate agent`: the process beside a PACS, and a hand at the simulated doors.

Without a further word it works until SIGTERM.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.agent.settings import AgentSettings, read_env_file, read_environment
from pacsgate.bootstrap.agents import open_site, run_site
from pacsgate.cli.failures import FAILED, told
from pacsgate.cli.printing import print_json, print_line
from pacsgate.model.access import HolderKey, HolderKind
from pacsgate.model.errors import RequestError, SettingsError

app = typer.Typer(help="Work as the agent of a PACS, and try simulated doors.", invoke_without_command=True)

EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", help="Read variables from here; those of the environment come first."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def agent(context: typer.Context, env_file: EnvFile = None) -> None:
    """Work as the agent of a PACS until SIGTERM: see `Agent__…` and `Auth__…` in docs/agents.md."""
    with told():
        context.obj = read_environment({**_of_file(env_file), **os.environ})
        if context.invoked_subcommand is None:
            run_site(_settings(context))


@app.command()
def swipe(
    context: typer.Context,
    reader: Annotated[str, typer.Argument(help="`DOOR-in` or `DOOR-out`.")],
    card_format: Annotated[str, typer.Argument(metavar="FORMAT", help="`wiegand26`, `uid` or `pin`.")],
    value: Annotated[str, typer.Argument(help="What is on the card.")],
    *,
    as_json: Json = False,
) -> None:
    """Hold a card to a simulated reader; exit 1 if the door stays closed."""
    with told(), open_site(_settings(context)) as site:
        came = site.doors.swipe(reader, card_format, value, site.clock.now())
    holder = None if came.holder is None else str(came.holder)
    reason = None if came.reason is None else came.reason.value
    if as_json:
        print_json({"granted": came.is_granted, "reason": reason, "holder": holder, "zone": came.zone})
    elif came.is_granted:
        print_line(f"{holder} is in `{came.zone}`" if came.zone else f"{holder} is outside")
    else:
        print_line(f"the door stays closed: {reason}")
    if not came.is_granted:
        raise typer.Exit(FAILED)


@app.command("reset-passback")
def reset_passback(
    context: typer.Context,
    holder: Annotated[str, typer.Argument(help="`identity/ID` or `visit/ID`.")],
) -> None:
    """Forget where somebody is, so that anti-passback lets them in again."""
    with told(), open_site(_settings(context)) as site:
        kind, _, holder_id = holder.partition("/")
        if kind not in set(HolderKind) or not holder_id:
            raise RequestError(f"`{holder}` is not a holder: write `identity/ID` or `visit/ID`")
        site.doors.reset(HolderKey(HolderKind(kind), holder_id), site.clock.now())


@app.command()
def doors(context: typer.Context, *, as_json: Json = False) -> None:
    """Show who is in which zone of the simulated site."""
    with told(), open_site(_settings(context)) as site:
        people = site.doors.state.people(_settings(context).place)
    if as_json:
        print_json([{"holder": holder, "zone": zone} for holder, zone in people])
        return
    for holder, zone in people:
        print_line(f"{holder} {zone or '(outside)'}")


def _settings(context: typer.Context) -> AgentSettings:
    found = context.obj
    if not isinstance(found, AgentSettings):
        raise TypeError("a command without its settings")
    return found


def _of_file(path: Path | None) -> Mapping[str, str]:
    if path is None:
        return {}
    try:
        return read_env_file(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"the env file `{path}` cannot be read") from None
