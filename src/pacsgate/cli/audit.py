"""`pacsgate audit`: read, search, verify and export the trail.

Reading the trail is itself recorded, with what was looked for.
"""

import sys
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.audit.event_filter import EventFilter
from pacsgate.audit.events import AuditEvent, EventKind
from pacsgate.audit.renderings.flat import flatten
from pacsgate.audit.renderings.line import to_line
from pacsgate.audit.window_tally import amount_read, closes_by_window
from pacsgate.bootstrap.installation import Installation, trail_directory
from pacsgate.cli.failures import FAILED, told
from pacsgate.cli.installation import open_installation
from pacsgate.cli.instants import read_instant
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_json, print_line
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.sinks.signing_key import VerifyingKey
from pacsgate.sinks.trail_follower import TrailFollower
from pacsgate.sinks.trail_reader import ExportFormat, TrailEntry, export, read_trail
from pacsgate.sinks.trail_verification import verify as verify_trail

app = typer.Typer(help="Read, search, verify and export the audit trail.", no_args_is_help=True)

_POLL_SECONDS = 0.3

User = Annotated[str | None, typer.Option("--user", help="Only events of this user.")]
Study = Annotated[str | None, typer.Option("--study", help="Only events about this StudyInstanceUID.")]
Patient = Annotated[str | None, typer.Option("--patient", help="Only events about this PatientID.")]
Kind = Annotated[str | None, typer.Option("--kind", help="Only events of this kind, such as `denied`.")]
Since = Annotated[
    str | None, typer.Option("--since", help="Not before this time (`2026-01-31`, or `2h` ago).")
]
Until = Annotated[str | None, typer.Option("--until", help="Before this time, likewise.")]
Text = Annotated[str | None, typer.Option("--text", help="Only events that contain this text.")]


@app.command()
def tail(
    count: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many events to begin with.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing what comes.")] = False,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Print the newest events."""
    with told(), open_installation(config, tenant) as installation:
        follower = TrailFollower(trail_directory(installation.settings))
        backlog = follower.backlog(count)
        of_tenant = EventFilter(tenant=installation.scope.tenant)
        _record_use(installation, "tail", {"lines": str(count)})
        _print_all(backlog, of_tenant, as_json=as_json)
        while follow:
            _print_all(follower.poll(), of_tenant, as_json=as_json)
            sys.stdout.flush()
            time.sleep(_POLL_SECONDS)


@app.command()
def search(
    user: User = None,
    study: Study = None,
    patient: Patient = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    denied: Annotated[bool, typer.Option("--denied", help="Only denials.")] = False,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Print the events that match every option given, oldest first; with a read, how much it came to be."""
    with told(), open_installation(config, tenant) as installation:
        sought = _filter(installation, user, study, patient, "denied" if denied else kind, since, until, text)
        _record_use(installation, "search", _described(sought))
        trail = trail_directory(installation.settings)
        # A window closes after what opened it, and whether that close is sought or not.
        later = EventFilter(
            kind=EventKind.ACCESS_WINDOW_CLOSED, since=sought.since, tenant=installation.scope.tenant
        )
        closes = closes_by_window(entry.event for entry in read_trail(trail, later))
        for entry in read_trail(trail, sought):
            _print(entry, as_json=as_json, read=amount_read(entry.event, closes))


@app.command()
def verify(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Check every record, chain and manifest; exit 1 and name the place if the trail was changed."""
    with told(), open_installation(config) as installation:
        key = VerifyingKey(installation.settings.trail.manifest_key.with_suffix(".pub"))
        # Verified first: the event of this very use is not part of what is looked at.
        found = verify_trail(trail_directory(installation.settings), key)
        _record_use(installation, "verify", {"intact": str(found.is_intact).lower()})
    faults: list[dict[str, Json]] = [
        {"segment": fault.segment, "position": fault.position, "problem": fault.finding}
        for fault in found.faults
    ]
    if as_json:
        print_json(
            {
                "intact": found.is_intact,
                "records": found.records,
                "segments": found.segments,
                "unanchored_records": found.unanchored,
                "last_signed_at": instant_text(found.last_signed_at),
                "faults": faults,
            }
        )
    else:
        for fault in faults:
            print_line(f"{fault['segment']}: record {fault['position']}: {fault['problem']}")
        state = "intact" if found.is_intact else "CHANGED"
        print_line(
            f"{state}: {found.records} records in {found.segments} segments; "
            f"the last {found.unanchored} are not yet under a manifest"
        )
    if not found.is_intact:
        raise typer.Exit(FAILED)


@app.command("export")
def export_trail(
    form: Annotated[ExportFormat, typer.Option("--format", help="One event a line.")] = ExportFormat.JSON,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; standard output otherwise.")
    ] = None,
    user: User = None,
    study: Study = None,
    patient: Patient = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    text: Text = None,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write events as JSON lines, as DICOM audit messages (PS3.15 A.5) or as FHIR AuditEvents (IHE BALP)."""
    with told(), open_installation(config, tenant) as installation:
        sought = _filter(installation, user, study, patient, kind, since, until, text)
        _record_use(installation, "export", {**_described(sought), "format": form.value})
        lines = export(read_trail(trail_directory(installation.settings), sought), form, "pacsgate")
        if output is None:
            for line in lines:
                sys.stdout.buffer.write(line)
            return
        _write_new(output, lines)


def _write_new(output: Path, lines: Iterable[bytes]) -> None:
    """Write a file that does not exist yet.  Raises `SettingsError`."""
    try:
        with output.open("xb") as file:
            file.writelines(lines)
    except OSError as error:
        raise SettingsError(f"cannot write `{output}`: {error.strerror}") from error


def _filter(
    installation: Installation,
    user: str | None,
    study: str | None,
    patient: str | None,
    kind: str | None,
    since: str | None,
    until: str | None,
    text: str | None,
) -> EventFilter:
    now = installation.clock.now()
    return EventFilter(
        user=user,
        study_instance_uid=study,
        patient_id=patient,
        kind=None if kind is None else _kind(kind),
        since=None if since is None else _past(since, now),
        until=None if until is None else _past(until, now),
        text=text,
        tenant=installation.scope.tenant,
    )


def _past(text: str, now: datetime) -> datetime:
    """A point in time of which a span (`2h`) counts backwards from now."""
    at = read_instant(text, now)
    return now - (at - now) if text[-1] in "mhd" else at


def _kind(name: str) -> EventKind:
    try:
        return EventKind[name.upper().replace("-", "_")]
    except KeyError:
        known = ", ".join(kind.name.lower().replace("_", "-") for kind in EventKind)
        raise SettingsError(f"no kind of event is called `{name}`; there are: {known}") from None


def _described(sought: EventFilter) -> dict[str, str]:
    named = {
        "user": sought.user,
        "study": sought.study_instance_uid,
        "patient": sought.patient_id,
        "kind": None if sought.kind is None else sought.kind.name,
        "since": instant_text(sought.since),
        "until": instant_text(sought.until),
        "text": sought.text,
    }
    return {name: value for name, value in named.items() if value is not None}


def _record_use(installation: Installation, use: str, details: dict[str, str]) -> None:
    installation.trail.record(
        AuditEvent(
            EventKind.AUDIT_LOG_USED,
            installation.clock.now(),
            installation.actor(),
            tenant=installation.scope.tenant,
            query=" ".join(f"{name}={value}" for name, value in details.items()),
            details={"use": use},
        )
    )


def _print_all(entries: Iterable[TrailEntry], sought: EventFilter, *, as_json: bool) -> None:
    for entry in entries:
        if sought.matches(entry.event):
            _print(entry, as_json=as_json)


def _print(entry: TrailEntry, *, as_json: bool, read: str | None = None) -> None:
    if as_json:
        told = {} if read is None else {"read": read}
        print_json({"record": entry.record_id, **flatten(entry.event), **told})
        return
    print_line(to_line(entry.event) + ("" if read is None else f'  read="{read}"'))
