"""What the pages say while the agent of a PACS is away, when it answers later, refuses, or never does it."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from pacsgate.admin.console.tenancy import desk
from pacsgate.admin.console.tenancy.result_page import MOST_LOOKS
from tests.support.filled_forms import form_of, wrong_in
from tests.support.tenanted_gate import TenantedGate

HOME = "/admin/tenancy"
VISIT: dict[str, str | list[str]] = {
    "name": "Bo Lund",
    "visitor": "p-7",
    "visitId": "v-7",
    "validFrom": "2099-01-01T08:00",
    "validTo": "2099-01-01T18:00",
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "SECONDS", 0.05)


@pytest.fixture
def pacs(tenanted: TenantedGate) -> str:
    """Doors whose agent is this test."""
    name = tenanted.gate.name("annex")
    tenanted.pacs(name, f"{name}-agent")
    tenanted.enter(f"{name}-agent")
    return name


def answer(tenanted: TenantedGate, pacs: str, status: int, body: object) -> None:
    """The agent takes the next message and answers it."""
    agent, path = f"{pacs}-agent", f"/tenants/default/pacs/{pacs}/agent/messages"
    message = tenanted.gate.ask(agent, "GET", path).body
    response = {"lease": message["lease"], "status": status, "body": body}
    told = tenanted.gate.ask(agent, "POST", f"{path}/{message['messageId']}/response", response)
    assert told.status < 300


def test_what_is_on_its_way_is_looked_at_again_by_itself_until_it_is_done(
    tenanted: TenantedGate, pacs: str
) -> None:
    gate, tina = tenanted.gate, tenanted.gate.session("tina")[1]
    sent = gate.browse(tina, f"{HOME}/pacs/{pacs}/new-visit", VISIT)
    waiting = gate.browse(tina, sent.headers["location"])
    assert b"On its way" in waiting.body
    assert b"never" in waiting.body
    seconds, _, again = waiting.headers["refresh"].partition("; url=")
    assert int(seconds) > 0
    assert again.endswith("looks=1")
    still = re.search(r'href="([^"]+)">Stop looking', waiting.body.decode())
    assert still is not None
    for path in (still[1].replace("&amp;", "&"), again.replace("looks=1", f"looks={MOST_LOOKS}")):
        assert "refresh" not in gate.browse(tina, path).headers
    somebody = gate.session(gate.user())[1]
    assert gate.browse(somebody, again).status == 404
    answer(tenanted, pacs, 201, {"visitId": "v-7", "name": "Bo Lund"})
    done = gate.browse(tina, again)
    assert "refresh" not in done.headers
    assert b"<h1>Done</h1>" in done.body
    assert f'href="{HOME}/pacs/{pacs}/visits">Go on'.encode() in done.body


@pytest.mark.parametrize(
    ("status", "title", "advice"),
    [(409, "Refused", "ask again"), (400, "Refused", "Go back"), (501, "Refused", "what its agent can do")],
)
def test_a_refusal_that_comes_later_is_told_with_what_to_do_next(
    tenanted: TenantedGate, pacs: str, status: int, title: str, advice: str
) -> None:
    gate, tina = tenanted.gate, tenanted.gate.session("tina")[1]
    sent = gate.browse(tina, f"{HOME}/pacs/{pacs}/visits/v-7/check-in", {})
    answer(tenanted, pacs, status, {"error": "x", "message": "the door `main` <b>is stuck</b>"})
    told = gate.browse(tina, sent.headers["location"])
    page = told.body.decode()
    assert f"<h1>{title}</h1>" in page
    assert advice in page
    assert "The door <code>main</code> &lt;b&gt;is stuck&lt;/b&gt;." in page
    assert f'href="{HOME}/pacs/{pacs}/visits/v-7">Go back' in page


def test_what_nobody_will_do_any_more_is_told_as_not_done(tenanted: TenantedGate, pacs: str) -> None:
    gate, tina = tenanted.gate, tenanted.gate.session("tina")[1]
    sent = gate.browse(tina, f"{HOME}/pacs/{pacs}/visits/v-7/check-in", {})
    assert gate.browse(tina, f"{HOME}/pacs/{pacs}/unregister", {}).status == 303
    page = gate.browse(tina, sent.headers["location"]).body
    assert b"<h1>Not done</h1>" in page
    assert b"dead letters" in page
    assert b"unregistered" in page


def test_a_page_whose_answer_becomes_impossible_while_it_waits_says_so(
    tenanted: TenantedGate, pacs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "SECONDS", 30)
    gate, tina = tenanted.gate, tenanted.gate.session("tina")[1]

    def unregister() -> None:
        while not gate.ask("tina", "GET", f"/tenants/default/pacs/{pacs}/queue").body["queued"]:
            pass
        gate.browse(tina, f"{HOME}/pacs/{pacs}/unregister", {})

    with ThreadPoolExecutor() as threads:
        unregistered = threads.submit(unregister)
        sent = gate.browse(tina, f"{HOME}/pacs/{pacs}/visits")
        unregistered.result()
    assert sent.status == 303
    assert b"<h1>Not done</h1>" in gate.browse(tina, sent.headers["location"]).body


def test_a_page_of_an_absent_agent_leads_back_to_itself_and_to_no_other_site(
    tenanted: TenantedGate, pacs: str
) -> None:
    gate, tina = tenanted.gate, tenanted.gate.session("tina")[1]
    path = f"{HOME}/pacs/{pacs}/visits?search=lund"
    sent = gate.browse(tina, path)
    assert sent.status == 303
    answer(tenanted, pacs, 200, {"visits": [], "next": None})
    assert f'href="{path}">Go on'.encode() in gate.browse(tina, sent.headers["location"]).body
    result = sent.headers["location"].partition("?")[0]
    for elsewhere in ("https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"):
        assert b'href="/">Go on' in gate.browse(tina, f"{result}?then={elsewhere}").body


def test_a_form_that_is_refused_here_is_shown_again_though_the_agent_is_away(
    tenanted: TenantedGate, pacs: str
) -> None:
    gate, tina = tenanted.gate, tenanted.gate.session("tina")[1]
    change = f"{HOME}/pacs/{pacs}/visits/v-7/change"
    told = gate.browse(tina, change, VISIT | {"name": ""})
    assert (told.status, wrong_in(told.body), form_of(told.body, change)["host"]) == (400, ["name"], "")
    giving = gate.browse(tina, f"{HOME}/pacs/{pacs}/visits/v-7/new-credential", {"format": "no format"})
    assert (giving.status, b"`format`" in giving.body or b"<code>format</code>" in giving.body) == (400, True)
