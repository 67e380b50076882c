"""Which commands there are: imported when they are chosen, not when they are listed.

What a command stands on (a database, an image decoder, an HTTP client) takes longer
to import than most commands take to run, so the list knows of each command its place
and the first sentence of its help, and nothing else.

Called by `main`.
"""

import gc
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Entry(NamedTuple):
    """A command: a function of a module, or its `app` with commands of its own."""

    module: str
    name: str
    about: str


COMMANDS = {
    "demo": Entry(
        "demo.command",
        "demo",
        "Run a demonstration hospital until Ctrl-C: real images, made-up people, a policy to play with.",
    ),
    "init": Entry(
        "initialising",
        "init",
        "Make an installation: configuration, policy, keys, an empty embedded archive.",
    ),
    "serve": Entry("serving", "serve", "Serve an installation until SIGTERM or Ctrl-C."),
    "search": Entry(
        "search",
        "search",
        "List instances that match a query, among those that a user may search; exit 1 if there is none.",
    ),
    "config": Entry("configuration", "app", "Check the configuration file."),
    "policy": Entry("policy", "app", "Check policies, ask what they mean, and change which is live."),
    "index": Entry("index", "app", "Fill and inspect the study index."),
    "audit": Entry("audit", "app", "Read, search, verify and export the audit trail."),
    "report": Entry("reports", "app", "Report how roles are used, what was sent, and whom no source knows."),
    "study": Entry("studies", "app", "Labels and collections of studies."),
    "tenant": Entry("tenants", "app", "The organisations that an installation serves."),
    "pacs": Entry("pacses", "app", "The PACSes of a tenant: picture archives and door systems."),
    "identity": Entry("identities", "app", "Standing access to a PACS: people and devices."),
    "visit": Entry("visits", "app", "Access for a time: plan visits, check people in and out."),
    "unit": Entry("units", "app", "What can be opened at a PACS: doors and areas, departments."),
    "user": Entry("users", "app", "Make, change and remove accounts."),
    "role": Entry("roles", "app", "Show, add and remove roles."),
    "template": Entry("templates", "app", "Apply role templates to sites, and compare."),
    "grant": Entry("grants", "app", "Give and take back grants."),
    "permission": Entry("permissions", "app", "Give, take back and list study permissions."),
    "secrets": Entry("secrets", "app", "Replace the key that seals secrets in the database."),
    "session": Entry("sessions", "app", "List and end browser sessions."),
    "link": Entry("links", "app", "Which account is which person of an identity source."),
    "token": Entry("tokens", "app", "Issue and revoke API tokens."),
    "device": Entry("devices", "app", "Remote application entities: modalities, workstations, archives."),
    "lock": Entry(
        "locks",
        "app",
        "Keep a user or a device out at once, and end what it has running: `pacsgate lock NAME`.",
    ),
    "unlock": Entry("locks", "unlock", "Lift a lock: the name may come in again."),
    "agent": Entry("agent", "app", "Work as the agent of a PACS, and try simulated doors."),
    "orthanc": Entry("orthanc", "app", "Set up an Orthanc behind the gate, and its links."),
    "viewer": Entry("viewer", "app", "Install the OHIF image viewer."),
    "import": Entry("importing", "app", "Bring the policy of another system over."),
}


class CommandTable(TyperGroup):
    """The commands of the table, in its order."""

    def __init__(self, **settings: Any) -> None:
        listed = {name: TyperCommand(name, help=entry.about) for name, entry in COMMANDS.items()}
        super().__init__(**{**settings, "commands": listed})

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        """The command itself, imported."""
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else _imported(entry, cmd_name, ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's own signature
        """Write the list, as Typer does, but from the table alone."""
        width = formatter.width - 6 - max(map(len, self.commands))
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(width)) for name, command in self.commands.items()]
            )


def _imported(entry: Entry, name: str, ctx: Any) -> TyperCommand | TyperGroup | None:
    gc.disable()  # the collector would look through what modules leave again and again: a seventh of the time
    try:
        found = getattr(import_module(f"pacsgate.cli.{entry.module}"), entry.name)
    finally:
        gc.enable()
    alone = typer.Typer(pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None)
    alone.callback()(_nothing)  # which makes a group of it, whose command has a name
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    group = typer.main.get_command(alone)
    command = group.get_command(ctx, name) if isinstance(group, TyperGroup) else None
    return command if isinstance(command, TyperCommand | TyperGroup) else None


def _nothing() -> None:
    """Do nothing before a command."""
