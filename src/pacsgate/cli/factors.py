"""`pacsgate user factors`: which second factors an account has, and taking them away."""

from typing import Annotated

import typer

from pacsgate.cli.desk import open_desk
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_json, print_table
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.ports.factors import FactorRecord

_COLUMNS = ("id", "kind", "label", "created_at", "last_used_at")


def factors(
    name: Annotated[str, typer.Argument(help="The user's name.")],
    *,
    remove: Annotated[str | None, typer.Option(help="Take the factor with this id away.")] = None,
    remove_all: Annotated[
        bool, typer.Option("--remove-all", help="Take every factor and recovery code away.")
    ] = False,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List the second factors of an account, or take some away; nobody but the user adds one."""
    if remove is not None and remove_all:
        raise SettingsError("`--remove` and `--remove-all` exclude each other")
    from pacsgate.bootstrap.factors import enrol_factor  # noqa: PLC0415 - other commands need no WebAuthn

    with open_desk(config, tenant) as desk:
        enrol = enrol_factor(desk.installation)
        if remove_all:
            enrol.remove_all(desk.change(), name)
        elif remove is not None:
            enrol.remove(desk.change(), name, remove)
        rows = [_row(factor) for factor in enrol.factors(desk.installation.scope, name)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, f"user `{name}` has no second factor")


def _row(factor: FactorRecord) -> dict[str, Json]:
    return {
        "id": factor.factor_id,
        "kind": factor.kind.value,
        "label": factor.label,
        "created_at": instant_text(factor.created_at),
        "last_used_at": instant_text(factor.last_used_at),
    }
