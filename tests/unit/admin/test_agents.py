"""What agents hand in over the API, in both trees: taken from the agent of the very PACS, and from nobody else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pacsgate.agent.report_bodies import entry_form, event_form, features_form, that_fits
from pacsgate.audit.events import EventKind, Outcome
from pacsgate.ports.pacs_adapters import PacsEvent, PacsFeatures
from pacsgate.ports.pacs_reports import LogEntry
from pacsgate.protocols.agent.reports import MOST_BYTES, MOST_TOLD_AT_ONCE
from pacsgate.protocols.strict_json import write_json
from tests.support.tenanted_gate import AGENT, FOREIGN, FOREIGN_PACS, HERE, OWN, THERE, TenantedGate

AT = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
TREES = {"api": f"/api/v1/tenants/{OWN}/pacs/{HERE}", "ais": f"/ais/v1/tenant/{OWN}/pacs/{HERE}"}
EVENT = PacsEvent("x-1", "access-granted", AT, "identity/ann", "ann", "lobby", {"door": "main"})
ENTRY = LogEntry("x-1", AT, "info", "started")
HANDED_IN = {
    "features": ("PUT", features_form(PacsFeatures(frozenset({"VisitCheckIn"})))),
    "events": ("POST", {"events": [event_form(EVENT)], "complete": True}),
    "logs": ("POST", {"entries": [entry_form(ENTRY)]}),
}


@pytest.fixture(params=TREES.values(), ids=TREES.keys())
def here(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def event(number: int, account: str, zone: str | None, kind: str = "access-granted") -> dict[str, Any]:
    told = PacsEvent(f"{account}-{number}", kind, AT, f"identity/{account}", account, zone, {"door": "main"})
    form: dict[str, Any] = event_form(told)
    return form


def test_what_an_agent_can_do_stands_with_its_pacs(tenanted: TenantedGate, here: str) -> None:
    body = features_form(PacsFeatures(frozenset({"VisitCheckIn"}), {"MaxCredentialsPerEntity": 3}))
    assert tenanted.gate.ask(AGENT, "PUT", f"{here}/agent/features", body).status == 204
    told = tenanted.gate.ask("pete", "GET", here).body
    assert (told["features"], told["constraints"]) == (["VisitCheckIn"], {"MaxCredentialsPerEntity": 3})


def test_events_are_taken_once_and_move_people_and_stand_in_the_trail(
    tenanted: TenantedGate, here: str
) -> None:
    gate = tenanted.gate
    name = gate.user()
    body = {"events": [event(1, name, "lobby"), event(2, name, None, "access-denied")], "complete": True}
    assert gate.ask(AGENT, "POST", f"{here}/agent/events", body).body == {"taken": 2}
    assert gate.ask(AGENT, "POST", f"{here}/agent/events", body).body == {"taken": 0}
    presence = gate.ask("pete", "GET", f"{here}/presence").body
    assert presence["isSilent"] is False
    assert {"account": name, "zone": "lobby"}.items() <= presence["people"][-1].items()
    denied, granted = gate.ask("pete", "GET", f"{here}/events", query="limit=2").body["events"]
    assert (denied["kind"], granted["zone"]) == ("access-denied", "lobby")
    told = [each for each in gate.events(EventKind.DOOR_PASSED) if each.actor.name == name]
    assert [each.outcome for each in told] == [Outcome.SUCCESS, Outcome.MINOR]
    assert told[0].details["reported_by"] == AGENT
    assert (told[0].tenant, told[0].archive, told[0].actor.verified) == (OWN, HERE, False)


def test_the_log_of_an_agent_is_kept_once(tenanted: TenantedGate, here: str) -> None:
    entry = entry_form(LogEntry(here.replace("/", "."), AT, "warning", "no messages", {"problem": "x"}))
    entry["entryId"] = entry["entryId"].strip(".")
    for taken in (1, 0):
        answer = tenanted.gate.ask(AGENT, "POST", f"{here}/agent/logs", {"entries": [entry]})
        assert answer.body == {"taken": taken}
    newest = tenanted.gate.ask("pete", "GET", f"{here}/logs", query="limit=1").body["entries"]
    assert (newest[0]["level"], newest[0]["details"]) == ("warning", {"problem": "x"})


def test_an_agent_reads_what_it_works_with(tenanted: TenantedGate, here: str) -> None:
    told = tenanted.gate.ask(AGENT, "GET", f"{here}/agent/configuration").body
    assert (told["pacsId"], told["kind"], told["configuration"]) == (HERE, "doors", {})
    path = "extensionFields" if here.startswith("/ais") else "extension-fields"
    fields = tenanted.gate.ask(AGENT, "GET", f"{here}/agent/{path}").body
    assert fields == {"identityExtensionFields": {}, "visitExtensionFields": {}}


@pytest.mark.parametrize("what", HANDED_IN)
@pytest.mark.parametrize(
    ("who", "tenant", "pacs", "status"),
    [
        ("tina", OWN, HERE, 403),
        ("pete", OWN, HERE, 403),
        (AGENT, OWN, THERE, 403),
        (AGENT, FOREIGN, FOREIGN_PACS, 404),
        ("sarah", OWN, HERE, 404),
    ],
)
def test_nobody_but_its_agent_hands_anything_in_for_a_pacs(
    tenanted: TenantedGate, what: str, who: str, tenant: str, pacs: str, status: int
) -> None:
    method, body = HANDED_IN[what]
    path = f"/api/v1/tenants/{tenant}/pacs/{pacs}/agent/{what}"
    assert tenanted.gate.ask(who, method, path, body).status == status


@pytest.mark.parametrize("what", ["events", "logs", "presence"])
@pytest.mark.parametrize(("who", "status"), [("tina", 200), ("pete", 200), (AGENT, 403), ("sarah", 404)])
def test_what_was_reported_is_read_by_who_governs_the_pacs(
    tenanted: TenantedGate, what: str, who: str, status: int
) -> None:
    assert tenanted.gate.ask(who, "GET", f"{TREES['api']}/{what}").status == status


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("features", {"features": ["x y"]}),
        ("features", {"features": [], "constraints": {"Most": "3"}}),
        ("features", {"features": [], "more": 1}),
        ("events", {"events": [{**event_form(EVENT), "colour": "red"}]}),
        ("events", {"events": [{**event_form(EVENT), "eventId": "a b"}]}),
        ("events", {"events": [{**event_form(EVENT), "at": "2026-03-10T09:30:00"}]}),
        ("events", {"events": [{**event_form(EVENT), "kind": "Access Granted"}]}),
        ("events", {"events": [{**event_form(EVENT), "zone": "x" * 257}]}),
        ("events", {"events": [{**event_form(EVENT), "details": {"door": "a\nb"}}]}),
        ("events", {"events": [event_form(EVENT)] * (MOST_TOLD_AT_ONCE + 1)}),
        ("logs", {"entries": [{**entry_form(ENTRY), "level": "LOUD"}]}),
        ("logs", [1, 2]),
    ],
)
def test_what_cannot_be_read_is_refused_whole(tenanted: TenantedGate, what: str, wrong: object) -> None:
    method = "PUT" if what == "features" else "POST"
    before = tenanted.gate.ask("pete", "GET", f"{TREES['api']}/events").body
    assert tenanted.gate.ask(AGENT, method, f"{TREES['api']}/agent/{what}", wrong).status == 400
    assert tenanted.gate.ask("pete", "GET", f"{TREES['api']}/events").body == before


def test_whatever_an_agent_has_to_tell_is_cut_so_that_the_gate_takes_it(tenanted: TenantedGate) -> None:
    long = "ä\n" * 400
    details = {f"d{number}": long for number in range(30)}
    entries = [LogEntry(f"long-{number}", AT, "info", long, details) for number in range(60)]
    forms = that_fits(entries, entry_form)
    assert 0 < len(forms) < len(entries)
    body = {"entries": list(forms)}
    assert len(write_json(body)) <= MOST_BYTES + 100
    answer = tenanted.gate.ask(AGENT, "POST", f"{TREES['api']}/agent/logs", write_json(body))
    assert (answer.status, answer.body) == (200, {"taken": len(forms)})
