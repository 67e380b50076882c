"""`pacsgate token`: API tokens."""

from typing import Annotated

import typer

from pacsgate.cli.desk import open_desk
from pacsgate.cli.instants import read_instant
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_json, print_line, print_table
from pacsgate.model.actions import Action
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.ports import TokenRecord
from pacsgate.ports.directory import TokenPurpose

app = typer.Typer(help="Issue and revoke API tokens.", no_args_is_help=True)

_COLUMNS = ("token_id", "user", "label", "purpose", "actions", "expires_at", "last_used_at", "revoked_at")


@app.command()
def issue(
    user: Annotated[str, typer.Argument(help="Whose token it is.")],
    *,
    label: Annotated[str, typer.Option(help="What it is for.")],
    actions: Annotated[
        list[Action] | None, typer.Option("--action", help="All it can be used for; may be repeated.")
    ] = None,
    client_secret: Annotated[
        bool,
        typer.Option(
            "--client-secret", help="A secret with which a service gets access tokens at `/oauth2/token`."
        ),
    ] = False,
    until: Annotated[
        str, typer.Option(help="When it ends, at most 90 days from now; 366 for a client secret.")
    ] = "30d",
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Issue a token and print it, once."""
    with open_desk(config, tenant) as desk:
        change = desk.change()
        issued = desk.tokens.issue(
            change,
            user,
            label=label,
            expires_at=read_instant(until, change.at),
            actions=frozenset(actions) if actions else None,
            purpose=TokenPurpose.CLIENT_SECRET if client_secret else TokenPurpose.BEARER,
        )
        client_id = f"{change.scope.tenant}/{user}"
    if as_json and client_secret:
        print_json({**_row(issued.record), "client_id": client_id, "client_secret": issued.text})
    elif as_json:
        print_json({**_row(issued.record), "token": issued.text})
    elif client_secret:
        print_line(f"client secret of `{user}`, until {instant_text(issued.record.expires_at)}")
        print_line(f"client id: {client_id}")
        print_line(f"client secret (shown this once): {issued.text}")
    else:
        print_line(
            f"token `{issued.record.token_id}` of `{user}`, until {instant_text(issued.record.expires_at)}"
        )
        print_line(f"token (shown this once): {issued.text}")


@app.command("list")
def list_tokens(
    user: Annotated[str | None, typer.Option(help="Only this user's.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """List tokens, without their secrets."""
    with open_desk(config, tenant) as desk:
        rows = [_row(token) for token in desk.tokens.tokens(desk.installation.scope, user)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, "There are no tokens: `pacsgate token issue USER --label …` issues one.")


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(help="The public id, as `token list` shows it.")],
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make a token worthless from the next call on."""
    with open_desk(config, tenant) as desk:
        desk.tokens.revoke(desk.change(), token_id)
    if as_json:
        print_json({"token_id": token_id, "revoked": True})
    else:
        print_line(f"token `{token_id}` revoked")


def _row(token: TokenRecord) -> dict[str, Json]:
    return {
        "token_id": token.token_id,
        "user": token.user,
        "label": token.label,
        "purpose": token.purpose.value,
        "actions": None if token.actions is None else sorted(token.actions),
        "created_at": instant_text(token.created_at),
        "expires_at": instant_text(token.expires_at),
        "last_used_at": instant_text(token.last_used_at),
        "revoked_at": instant_text(token.revoked_at),
    }
