"""What pages must hold whatever they are about: a way out, and password fields that password managers can fill in."""

from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from starlette.routing import Route

from pacsgate.admin.console import assets
from pacsgate.gateway.http.app import HttpDoor
from tests.support.administered_gate import EVERYTHING, AdministeredGate

SECRETS = frozenset({"password", "old", "new"})
ENTRANCES = frozenset({"/sign-in", "/reset", "/setup", "/metrics"})
"""For people who are nobody yet, and one for machines."""


class Page(HTMLParser):
    """The fields and forms of a page."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.fields: list[dict[str, str | None]] = []
        self.actions: set[str | None] = set()
        self.feed(body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input":
            self.fields.append(given)
        elif tag == "form":
            self.actions.add(given.get("action"))


def addresses(gate: AdministeredGate) -> Iterator[str]:
    """Every address without a name in it at which a page may be."""
    door = gate.opened.app
    assert isinstance(door, HttpDoor)
    for route in door._pages.routes:
        if isinstance(route, Route) and "GET" in (route.methods or ()) and "{" not in route.path:
            yield route.path


@pytest.mark.parametrize("path", ["/sign-in", "/reset", "/setup", "/security"])
def test_a_password_is_hidden_while_it_is_typed_and_may_be_pasted_and_filled_in(
    gate: AdministeredGate, path: str
) -> None:
    """ASVS 5.0 6.2.6, 6.2.7."""
    cookie = gate.session(gate.user())[1] if path == "/security" else "none"
    fields = [field for field in Page(gate.browse(cookie, path).body).fields if field.get("name") in SECRETS]
    assert fields
    for field in fields:
        assert field["type"] == "password"
        assert field["autocomplete"] in {"current-password", "new-password"}
        assert not {"onpaste", "readonly", "maxlength", "pattern"} & field.keys()


def test_no_script_looks_at_what_is_pasted() -> None:
    """ASVS 5.0 6.2.7."""
    scripts = [file.read_text("utf-8") for file in files(assets).iterdir() if file.name.endswith(".js")]
    assert scripts
    assert not any("paste" in script for script in scripts)


def test_every_page_of_somebody_who_is_signed_in_has_a_way_out(gate: AdministeredGate) -> None:
    """ASVS 5.0 7.4.4."""
    cookie = gate.session(gate.user(gate.role(*EVERYTHING)))[1]
    answers = {path: gate.browse(cookie, path) for path in addresses(gate) if path not in ENTRANCES}
    shown = {path: Page(answer.body) for path, answer in answers.items() if b"<!doctype html>" in answer.body}
    assert {"/", "/studies", "/access", "/security", "/security/factors", "/admin/users"} <= shown.keys()
    assert [path for path, page in shown.items() if "/sign-out" not in page.actions] == []
