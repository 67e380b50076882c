"""One study on a page, in a gate in this process; `tests/e2e/test_pages_studies.py` compares all personas."""

import re

from pacsgate.model.role import Assignment
from tests.support.administered_gate import AdministeredGate
from tests.support.open_gate import Answer


def looked_at(gate: AdministeredGate, *roles: str) -> Answer:
    uid = gate.opened.item.key.study_instance_uid
    return gate.browse(gate.session(gate.user(*roles))[1], f"/studies/{uid}")


def test_a_reader_sees_the_series_and_what_may_be_done(gate: AdministeredGate) -> None:
    page = looked_at(gate, "reader")
    said = dict(re.findall(rb'<li><span>([^<]+)</span>\s*<span class="badge \w+">(\w+)', page.body))
    assert page.status == 200
    assert said[b"View the images"] == said[b"Download the DICOM files"] == b"Allowed"
    assert said[b"Delete it"] == b"Denied"
    assert b"/dicom-web/studies/" in page.body


def test_a_hidden_study_and_none_are_the_same_page(gate: AdministeredGate) -> None:
    cookie = gate.session(gate.user())[1]
    uid = gate.opened.item.key.study_instance_uid
    hidden, missing = (gate.browse(cookie, f"/studies/{one}") for one in (uid, "1.2.3.4"))
    assert (hidden.status, hidden.body) == (missing.status, missing.body)
    assert hidden.status == 404


def test_a_role_that_is_taken_away_shows_nothing_any_more(gate: AdministeredGate) -> None:
    name, uid = gate.user(), gate.opened.item.key.study_instance_uid
    gate.users.assign(gate.change, name, Assignment("reader"))
    cookie = gate.session(name)[1]
    assert gate.browse(cookie, f"/studies/{uid}").status == 200
    gate.users.unassign(gate.change, name, lambda given: given.role == "reader")
    assert gate.browse(cookie, f"/studies/{uid}").status == 404
