"""The first page, in a gate in this process: whoever is there is told what matters, and nothing is an alert."""

from datetime import timedelta

from pacsgate.audit.events import EventKind
from pacsgate.model.permission import Permission
from pacsgate.model.role import Assignment
from tests.support.administered_gate import AdministeredGate


def test_the_first_page_of_who_sees_no_images_is_no_alert(gate: AdministeredGate) -> None:
    cookie = gate.session(gate.user(gate.role(Permission.USER_LIST)))[1]
    before = len(gate.events(EventKind.DENIED))
    page = gate.browse(cookie, "/")
    assert (page.status, b"You see no images here" in page.body) == (200, True)
    assert b"/admin/users" in page.body
    assert len(gate.events(EventKind.DENIED)) == before


def test_the_first_page_of_a_reader_leads_to_the_newest_studies(gate: AdministeredGate) -> None:
    page = gate.browse(gate.session(gate.user("reader"))[1], "/")
    assert f"/studies/{gate.opened.item.key.study_instance_uid}".encode() in page.body


def test_a_role_that_ends_soon_is_told_on_the_first_page(gate: AdministeredGate) -> None:
    name = gate.user()
    gate.users.assign(gate.change, name, Assignment("reader", until=gate.now + timedelta(days=2)))
    assert b"Your role reader (everywhere) ends" in gate.browse(gate.session(name)[1], "/").body


def test_whoever_has_no_role_is_told_so(gate: AdministeredGate) -> None:
    assert b"You have no role at present." in gate.browse(gate.session(gate.user())[1], "/").body
