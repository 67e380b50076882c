"""`pacsgate policy publish`, `pending` and `approve`: how a policy becomes the live one.

Called by `policy`, which gives the commands their names.
"""

import sys
from typing import Annotated

import typer

from pacsgate.audit.events import Actor
from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.policy_files import read_all_policy_sources
from pacsgate.bootstrap.policy_watch import fill_declared
from pacsgate.cli.difference_text import difference_json, print_difference
from pacsgate.cli.failures import FAILED, told
from pacsgate.cli.installation import open_installation
from pacsgate.cli.new_password import FromStdin
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_json, print_line
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.model.context import Context
from pacsgate.model.errors import ConflictError, SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.subject import Subject
from pacsgate.model.tenant_names import sign_in_name
from pacsgate.ports import AuthenticationFailed
from pacsgate.ports.candidates import PendingRevision
from pacsgate.services.publish_policy import Published

Revision = Annotated[str, typer.Argument(help="The revision that waits, or its first digits.")]
Approver = Annotated[str, typer.Option("--user", help="Who approves: an account that holds PolicyPublish.")]


def publish(
    tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Publish the configured files now, with what that changes; exit 1 if it waits for a second approver.

    A running gate does this by itself whenever a file is saved.
    """
    with told(), open_installation(config, tenant) as installation:
        sources = read_all_policy_sources(installation.settings, installation.scope.tenant)
        published = installation.publisher.publish(installation.scope, sources, installation.actor())
        if published.changed:
            fill_declared(installation, installation.scope)
    _tell(published, as_json=as_json)
    if published.pending is not None:
        raise typer.Exit(FAILED)


def pending(
    tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Show the revision that waits for a second approver; exit 1 if none does."""
    with told(), open_installation(config, tenant) as installation:
        waiting = installation.publisher.pending(installation.scope)
    if as_json:
        print_json(None if waiting is None else _pending_json(waiting))
    elif waiting is None:
        print_line("Nothing waits for approval.")
    else:
        _print_pending(waiting)
    if waiting is None:
        raise typer.Exit(FAILED)


def approve(
    revision: Revision,
    user: Approver,
    from_stdin: FromStdin = False,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Agree to a revision that waits, as a second person; it is live when this returns."""
    with told(), open_installation(config, tenant) as installation:
        approver = _signed_in(installation, user, from_stdin=from_stdin)
        actor = Actor(approver.name, verified=True, credential=approver.credential.value)
        published = installation.publisher.approve(installation.scope, revision, approver, actor)
        fill_declared(installation, installation.scope)
    _tell(published, as_json=as_json)


def _signed_in(installation: Installation, name: str, *, from_stdin: bool) -> Subject:
    """The approver, by the account's own password: who works at this machine is no second person."""
    if from_stdin:
        password = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    elif sys.stdin.isatty():
        password = typer.prompt(f"Password of {name}", hide_input=True)
    else:
        raise SettingsError("nobody is there to type a password: give `--password-stdin`")
    now = installation.clock.now()
    door = Authenticator(
        directory=installation.stores.directory,
        epochs=installation.stores.epochs,
        trail=installation.trail,
        clock=installation.clock,
        passwords=Argon2Passwords(),
        last_recorded=installation.trail.last_recorded_at or now,
    ).password_door
    claimed = sign_in_name(installation.scope.tenant, name)
    found = door.sign_in(claimed, password, Context(now=now, request_id="cli"))
    if isinstance(found, AuthenticationFailed):
        raise ConflictError(f"`{name}` is not signed in: {found.kind}")
    return found


def _tell(published: Published, *, as_json: bool) -> None:
    waiting = published.pending
    if as_json:
        found = published.difference
        print_json(
            {
                "revision": published.policy.revision,
                "live": waiting is None,
                "changed": published.changed,
                "waits": None if waiting is None else _pending_json(waiting),
                "difference": None if found is None else difference_json(found),
            }
        )
        return
    if published.difference is not None:
        print_difference(published.difference)
    if waiting is not None:
        _print_pending(waiting)
    elif published.changed:
        print_line(f"revision {published.policy.revision} is live")
    else:
        print_line(f"revision {published.policy.revision} was live already")


def _pending_json(waiting: PendingRevision) -> dict[str, Json]:
    return {
        "revision": waiting.revision,
        "submitted_by": waiting.submitted_by,
        "submitted_at": instant_text(waiting.submitted_at),
        "gained": waiting.gained,
        "lost": waiting.lost,
    }


def _print_pending(waiting: PendingRevision) -> None:
    print_line(
        f"revision {waiting.revision} waits for a second approver: {waiting.gained} accesses gained, "
        f"{waiting.lost} lost; by {waiting.submitted_by}, {instant_text(waiting.submitted_at)}"
    )
    print_line(f"`pacsgate policy diff live {waiting.revision}` shows what it changes,")
    print_line(f"`pacsgate policy approve {waiting.revision} --user NAME` makes it live")
