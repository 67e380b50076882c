"""`pacsgate orthanc`: what Orthanc's configuration should say, and the links of its plugin."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, assert_never
from urllib.parse import urlsplit

import typer

from pacsgate.bootstrap.secret_files import read_secret
from pacsgate.cli.desk import Desk, open_desk
from pacsgate.cli.failures import told
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.orthanc_files import read_orthanc_configuration
from pacsgate.cli.printing import Json, instant_text, print_json, print_line, print_table
from pacsgate.config import BasicCredentialSettings, OrthancArchiveSettings, Settings, read_settings
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.shares import RandomShares
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope
from pacsgate.ports.shares import ShareRecord
from pacsgate.protocols.orthanc_plugin.orthanc_settings import (
    Way,
    asking_by_plugin,
    asking_by_script,
    behind,
    laid_over,
)
from pacsgate.services.share_objects import ShareObjects

app = typer.Typer(help="Set up an Orthanc behind the gate, and its links.", no_args_is_help=True)
shares = typer.Typer(help="List and revoke links that Orthanc's plugin has handed out.", no_args_is_help=True)
app.add_typer(shares, name="shares")

_COLUMNS = ("share_id", "account", "purpose", "label", "objects", "expires_at", "revoked_at")
_PROXY = "proxy"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@app.command("config")
def orthanc_config(
    *,
    way: Annotated[Way, typer.Option(help="How the gate guards this Orthanc.")],
    archive: Annotated[str | None, typer.Option(help="Which archive; the default one if left out.")] = None,
    account: Annotated[
        str | None, typer.Option(help="With `plugin`: the gate's account with which the plugin asks.")
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="With `plugin`: holds that account's password; with `script`: an API token."),
    ] = None,
    script: Annotated[
        str, typer.Option(help="With `script`: where the script will be.")
    ] = "/etc/orthanc/pacsgate.py",
    over: Annotated[
        Path | None,
        typer.Option(help="Orthanc's own file or directory: print all of it, with these settings laid over."),
    ] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Print settings for Orthanc.  They hold passwords: keep them from others."""
    with told():
        settings = read_settings(config)
        found = _fragment(way, settings, archive, account, secret_file, script)
        if over is not None:
            found = laid_over(read_orthanc_configuration(over), found)
    print_line(json.dumps(found, indent=2))


@shares.command("list")
def list_shares(
    tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List links, without their secrets."""
    with open_desk(config, tenant) as desk:
        rows = [_row(share) for share in _shares(desk).shares(desk.installation.scope)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, "There are no links: Orthanc's authorization plugin has asked for none.")


@shares.command()
def revoke(
    share_id: Annotated[str, typer.Argument(help="The public id, as `shares list` shows it.")],
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make a link worthless from the next question on; Orthanc keeps an answer for up to ten seconds."""
    with open_desk(config, tenant) as desk:
        _shares(desk).revoke(desk.change(), share_id)
    if as_json:
        print_json({"share_id": share_id, "revoked": True})
    else:
        print_line(f"link `{share_id}` revoked")


def _fragment(
    way: Way,
    settings: Settings,
    archive: str | None,
    account: str | None,
    secret_file: Path | None,
    script: str,
) -> Mapping[str, Json]:
    name, orthanc = _orthanc(settings, archive)
    match way:
        case Way.FRONT:
            return _behind(orthanc, {})
        case Way.PROXY:
            return _behind(orthanc, {_PROXY: Argon2Passwords().generate()})
        case Way.PLUGIN:
            if account is None or secret_file is None:
                raise SettingsError("`--way plugin` needs `--account` and `--secret-file`")
            return asking_by_plugin(
                gate_url=_gate_url(settings),
                server=name,
                account=account,
                password=read_secret(secret_file, "password"),
            )
        case Way.SCRIPT:
            if secret_file is None:
                raise SettingsError("`--way script` needs `--secret-file` with the token of the script")
            user, password = _own_account(orthanc)
            return asking_by_script(
                script=script,
                gate_url=_gate_url(settings),
                root=f"/archives/{name}/orthanc",
                token=read_secret(secret_file, "token"),
                account=f"{user}:{password}",
            )
        case _:
            assert_never(way)


def _shares(desk: Desk) -> ShareObjects:
    return ShareObjects(desk.installation.stores.shares, RandomShares(), desk.office.publish)


def _orthanc(settings: Settings, named: str | None) -> tuple[str, OrthancArchiveSettings]:
    name = named or settings.tenant_archives.main(TenantScope(DEFAULT_TENANT))
    archive = settings.archives.get(name)
    if not isinstance(archive, OrthancArchiveSettings):
        raise SettingsError(f"`{name}` is no archive of kind `orthanc`; `--archive` names another")
    return name, archive


def _behind(orthanc: OrthancArchiveSettings, others: Mapping[str, str]) -> Mapping[str, Json]:
    url = urlsplit(orthanc.url)
    accounts = {**others, **dict([_own_account(orthanc)])}
    return behind(url.port or 8042, remote=url.hostname not in _LOOPBACK, accounts=accounts)


def _own_account(orthanc: OrthancArchiveSettings) -> tuple[str, str]:
    """The gate's own account at Orthanc."""
    if not isinstance(orthanc.credentials, BasicCredentialSettings):
        raise SettingsError("the archive has no `credentials` of kind `basic` for the gate itself")
    return orthanc.credentials.user, read_secret(orthanc.credentials.password_file, "password")


def _gate_url(settings: Settings) -> str:
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    open_to_all = next(one for one in settings.listeners if not one.is_taken and not one.redirect)
    scheme = "http" if open_to_all.tls is None else "https"
    return f"{scheme}://{open_to_all.host}:{open_to_all.port}"


def _row(share: ShareRecord) -> dict[str, Json]:
    return {
        "share_id": share.share_id,
        "account": share.account,
        "archive": share.archive,
        "purpose": share.purpose,
        "label": share.label,
        "objects": [f"{one.level}:{one.uid}" for one in share.objects],
        "created_at": instant_text(share.created_at),
        "expires_at": instant_text(share.expires_at),
        "revoked_at": instant_text(share.revoked_at),
    }
