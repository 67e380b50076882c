"""`pacsgate device`: remote application entities, what proves them, and where they listen."""

import sys
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from pacsgate.cli.desk import Desk, open_desk
from pacsgate.cli.device_options import (
    Account,
    Certificate,
    Description,
    Fingerprint,
    Host,
    Networks,
    Owner,
    Port,
    Title,
    TitleIsEnough,
    Tls,
    Until,
    VouchesFor,
    end_of,
    fingerprint_of,
    what_is_cleared,
    what_is_given,
)
from pacsgate.cli.failures import FAILED
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_fields, print_json, print_line, print_table
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import ArchiveError, SettingsError
from pacsgate.model.resource import DEFAULT_TENANT

app = typer.Typer(
    help="Remote application entities: modalities, workstations, archives.", no_args_is_help=True
)

_COLUMNS = ("ae_title", "account", "proof", "address", "owner", "valid_until", "state")
_ECHO_SECONDS = 10.0


@app.command()
def add(
    ae_title: Title,
    *,
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    account: Account = None,
    network: Networks = None,
    certificate: Certificate = None,
    fingerprint: Fingerprint = None,
    title_is_enough: TitleIsEnough = None,
    vouches_for: VouchesFor = None,
    host: Host = None,
    port: Port = None,
    tls: Tls = None,
    until: Until = None,
    description: Description = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Make an entry."""
    with open_desk(config, tenant) as desk:
        written = {
            **what_is_given(account=account, title_is_enough=title_is_enough, host=host, port=port, tls=tls),
            **what_is_given(owner=owner, description=description),
            **what_is_given(networks=tuple(network or ()) or None),
            **what_is_given(vouches_for=frozenset(vouches_for or ()) or None),
            **fingerprint_of(certificate, fingerprint),
            **end_of(until, desk.installation.clock.now()),
        }
        device = desk.devices.add(desk.change(), replace(RemoteAe(ae_title), **written))
    _tell(device, as_json, f"device `{ae_title}` added")


@app.command()
def change(
    ae_title: Title,
    *,
    owner: Owner = None,
    account: Account = None,
    network: Networks = None,
    certificate: Certificate = None,
    fingerprint: Fingerprint = None,
    title_is_enough: TitleIsEnough = None,
    vouches_for: VouchesFor = None,
    host: Host = None,
    port: Port = None,
    tls: Tls = None,
    until: Until = None,
    description: Description = None,
    clear: Annotated[
        list[str] | None,
        typer.Option(help="Take away: account, network, certificate, vouches-for or host; repeat."),
    ] = None,
    disabled: Annotated[bool | None, typer.Option("--disable/--enable", help="Whether it counts.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Change what is given of an entry; the rest stays."""
    with open_desk(config, tenant) as desk:
        before = desk.devices.device(desk.installation.scope, ae_title)
        written = {
            **what_is_cleared(clear or ()),
            **what_is_given(account=account, title_is_enough=title_is_enough, host=host, port=port, tls=tls),
            **what_is_given(
                owner=owner, description=description, disabled=disabled, networks=tuple(network or ()) or None
            ),
            **what_is_given(vouches_for=frozenset(vouches_for or ()) or None),
            **fingerprint_of(certificate, fingerprint),
            **end_of(until, desk.installation.clock.now()),
        }
        device = desk.devices.change(desk.change(), replace(before, **written))
    _tell(device, as_json, f"device `{ae_title}` changed")


@app.command("list")
def list_devices(
    tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """List every entry."""
    with open_desk(config, tenant) as desk:
        now = desk.installation.clock.now()
        devices = desk.devices.devices(desk.installation.scope)
    if as_json:
        print_json([_row(device) for device in devices])
        return
    rows = [{**_row(device), **_short(device), "state": _state(device, now)} for device in devices]
    print_table(rows, _COLUMNS, "There are no devices yet: `pacsgate device add AET --owner …` makes one.")


@app.command()
def show(
    ae_title: Title, tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Show one entry."""
    with open_desk(config, tenant) as desk:
        row = _row(desk.devices.device(desk.installation.scope, ae_title))
    if as_json:
        print_json(row)
    else:
        print_fields(row)


@app.command()
def remove(
    ae_title: Title, tenant: Tenant = DEFAULT_TENANT, config: Config = DEFAULT_CONFIG, as_json: AsJson = False
) -> None:
    """Remove an entry; what it carries ends at once, and its account stays."""
    with open_desk(config, tenant) as desk:
        desk.devices.remove(desk.change(), ae_title)
    if as_json:
        print_json({"ae_title": ae_title, "removed": True})
    else:
        print_line(f"device `{ae_title}` removed")


@app.command()
def test(
    ae_title: Title,
    calling: Annotated[
        str | None, typer.Option("--as", metavar="AET", help="The gate's own title to call with.")
    ] = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Ask a device whether it answers (C-ECHO); exit 1 if it does not."""
    from pacsgate.bootstrap.dicom_peers import outgoing_tls  # noqa: PLC0415 - likewise
    from pacsgate.upstream.dimse.peer import peer_of  # noqa: PLC0415 - pynetdicom, for this command alone
    from pacsgate.upstream.dimse.verification import verify  # noqa: PLC0415 - likewise

    with open_desk(config, tenant) as desk:
        device = desk.devices.device(desk.installation.scope, ae_title)
        title = calling or _own_title(desk)
        if device.host is None:
            raise SettingsError(
                f"device `{ae_title}` has no address; "
                f"`pacsgate device change {ae_title} --host … --port …` gives it one"
            )
        outcome = "answers"
        try:
            tls = outgoing_tls(desk.installation.settings)
            verify(peer_of(device, title, timeout_seconds=_ECHO_SECONDS, tls=tls))
        except ArchiveError as error:
            outcome = error.public if error.detail is None else f"{error.public} ({error.detail})"
    answers = outcome == "answers"
    if as_json:
        print_json({"ae_title": ae_title, "calling_ae_title": title, "answers": answers, "outcome": outcome})
    else:
        print_line(f"device `{ae_title}`, asked by `{title}`: {outcome}")
    if not answers:
        raise typer.Exit(FAILED)


def _own_title(desk: Desk) -> str:
    dicom = desk.installation.settings.dicom
    if dicom is None:
        raise SettingsError(
            "the configuration has no `dicom:` section with a title to call with: give `--as`"
        )
    return next(iter(dicom.ae_titles))


def _tell(device: RemoteAe, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(_row(device))
    else:
        print_line(sentence)
    if device.title_is_enough:
        sys.stderr.write(
            f"pacsgate: warning: whoever calls as `{device.ae_title}` is believed, from anywhere; "
            "`--network` or `--certificate` would be a proof\n"
        )


def _row(device: RemoteAe) -> dict[str, Json]:
    return {
        "ae_title": device.ae_title,
        "account": device.account,
        "networks": list(device.networks),
        "certificate_sha256": device.certificate_sha256,
        "title_is_enough": device.title_is_enough,
        "vouches_for": sorted(device.vouches_for),
        "host": device.host,
        "port": device.port,
        "tls": device.tls,
        "owner": device.owner,
        "description": device.description,
        "valid_until": instant_text(device.valid_until),
        "disabled": device.disabled,
    }


def _short(device: RemoteAe) -> dict[str, Json]:
    """What proves it and where it is, each in a few words."""
    proof: list[Json] = list(device.networks)
    if device.certificate_sha256 is not None:
        proof.append(f"certificate {device.certificate_sha256[:12]}…")
    if device.title_is_enough:
        proof.append("its title (!)")
    address = None if device.host is None else f"{device.host}:{device.port}{' (TLS)' if device.tls else ''}"
    return {"proof": proof, "address": address}


def _state(device: RemoteAe, now: datetime) -> str:
    if device.disabled:
        return "disabled"
    return "counts" if device.is_valid(now) else "expired"
