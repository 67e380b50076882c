"""`pacsgate lock` and `pacsgate unlock`: keep a user or a device out at once, everywhere."""

from datetime import datetime
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pacsgate.cli.desk import Desk, open_desk
from pacsgate.cli.instants import read_instant
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_json, print_line, print_table
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.ports.locks import LockRecord, LockTarget


class _LocksByName(TyperGroup):
    """What is no command is a name: `lock reis` is `lock set reis`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command, and what is left for it."""
        known = args and (args[0] in self.commands or args[0].startswith("-"))
        return super().resolve_command(ctx, args if known else ["set", *args])


app = typer.Typer(
    cls=_LocksByName,
    help="Keep a user or a device out at once, and end what it has running: `pacsgate lock NAME`.",
    epilog="`pacsgate lock NAME` is short for `pacsgate lock set NAME`, and takes its options.",
    no_args_is_help=True,
)

_COLUMNS = ("name", "target", "reason", "locked_by", "locked_at", "until", "state")

Name = Annotated[str, typer.Argument(help="A user, or the AE title of a device.")]
IsDevice = Annotated[
    bool | None, typer.Option("--device/--user", help="Which it is, where both go by that name.")
]


@app.command("set")
def set_lock(
    name: Name,
    *,
    reason: Annotated[str, typer.Option(help="Why, for whoever lifts it.")] = "locked at the command line",
    until: Annotated[str | None, typer.Option(help="When it ends by itself: `2h`, `2027-01-01`.")] = None,
    is_device: IsDevice = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Lock: sessions, running transfers and associations end within two seconds."""
    with open_desk(config, tenant) as desk:
        change = desk.change()
        ends = None if until is None else read_instant(until, change.at)
        target = _target(desk, name, is_device)
        lock = desk.locks.lock(change, target, name, reason=reason, until=ends)
        row = _row(lock, change.at)
    if as_json:
        print_json(row)
    else:
        print_line(f"{target} `{name}` is locked" + ("" if ends is None else f" until {instant_text(ends)}"))


@app.command("list")
def list_locks(
    tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List every lock."""
    with open_desk(config, tenant) as desk:
        now = desk.installation.clock.now()
        rows = [_row(lock, now) for lock in desk.locks.locks(desk.installation.scope)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, "Nothing is locked.")


def unlock(
    name: Name,
    *,
    is_device: IsDevice = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Lift a lock: the name may come in again."""
    with open_desk(config, tenant) as desk:
        target = _locked_target(desk, name, is_device)
        desk.locks.unlock(desk.change(), target, name)
    if as_json:
        print_json({"name": name, "target": target.value, "locked": False})
    else:
        print_line(f"{target} `{name}` is unlocked")


def _target(desk: Desk, name: str, is_device: bool | None) -> LockTarget:
    if is_device is None:
        return desk.locks.target_of(desk.installation.scope, name)
    return LockTarget.DEVICE if is_device else LockTarget.USER


def _locked_target(desk: Desk, name: str, is_device: bool | None) -> LockTarget:
    """Of the locks of this name; one outlasts the account, which need not be there any more."""
    if is_device is None:
        locked = [lock.target for lock in desk.locks.locks(desk.installation.scope) if lock.name == name]
        if len(locked) == 1:
            return locked[0]
    return _target(desk, name, is_device)


def _row(lock: LockRecord, now: datetime) -> dict[str, Json]:
    has_lapsed = lock.until is not None and lock.until <= now
    return {
        "name": lock.name,
        "target": lock.target.value,
        "reason": lock.reason,
        "locked_by": lock.locked_by,
        "locked_at": instant_text(lock.locked_at),
        "until": instant_text(lock.until),
        "state": "lapsed" if has_lapsed else "locked",
    }
