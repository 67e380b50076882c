"""Acceptance checks I7, L2 and L4: who reads from home, what is said to who is refused, and how long a session lasts.

The gate is whole and in this process; the clock is moved.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.services.administer_grants import GrantAdministration
from pacsgate.services.administration import Change
from tests.e2e.test_rows_of_second_factors import enrol, pass_time, prove
from tests.support.gate_browser import INSIDE, OUTSIDE, BrowsedGate, Browser, browsed_gate
from tests.support.people import PASSWORD

POLICY = """\
version: 1
roles:
  radiologist: {may: [search, view, retrieve, export], owner: chief1}
  teleradiologist: {may: [search, view, retrieve]}
authentication:
  - {roles: [teleradiologist], level: 2}
rules:
  - {id: radiologists-read, effect: permit, roles: [radiologist]}
  - id: exports-from-inside
    effect: forbid
    actions: [export]
    when: env.network != 'internal'
    message: Exports are made from the hospital network.
  - id: teleradiology-by-vpn
    effect: forbid
    roles: [teleradiologist]
    when: env.network != 'internal'
    message: Teleradiologists work by the VPN.
"""
SETTINGS = """\
identity:
  sessions:
    roles:
      teleradiologist: {idle: 5 min}
"""
ZIP = {"Accept": "application/zip"}


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowsedGate]:
    with browsed_gate(tmp_path_factory.mktemp("remote"), POLICY, SETTINGS) as opened:
        yield opened


def signed_in(gate: BrowsedGate, name: str, address: str = INSIDE) -> Browser:
    browser = gate.browser(address)
    assert browser.sign_in(name).status_code == 303
    return browser


def assign_the_study(gate: BrowsedGate, name: str) -> None:
    here = gate.installation
    GrantAdministration(here.office).add(
        Change(here.scope, here.actor(), here.clock.now()),
        grantee=(GranteeKind.USER, name),
        target=(GrantTarget.STUDY, gate.item.key.study_instance_uid),
        actions=frozenset({Action.SEARCH, Action.VIEW, Action.RETRIEVE}),
    )


def test_l4_a_teleradiologist_needs_the_vpn_and_two_factors_and_sees_what_is_assigned(
    gate: BrowsedGate,
) -> None:
    for name in ("ext1", "ext2"):
        gate.add(name, "teleradiologist")
    assign_the_study(gate, "ext1")
    home = gate.browser(INSIDE).get("/dicom-web/studies", auth=("ext1", PASSWORD))
    assert (home.status_code, home.json()["error"]) == (401, "mfa_required")

    ext1 = signed_in(gate, "ext1")
    assert ext1.dicomweb("/dicom-web/studies").status_code == 401
    enrol(ext1)
    assert len(ext1.dicomweb("/dicom-web/studies").json()) == 1
    assert ext1.dicomweb(f"{gate.study}/metadata").status_code == 200
    ext2 = signed_in(gate, "ext2")
    enrol(ext2)
    assert ext2.dicomweb("/dicom-web/studies").status_code == 403
    assert ext2.dicomweb(f"{gate.study}/metadata").status_code == 403

    outside = signed_in(gate, "ext1", OUTSIDE)
    outside.seed = ext1.seed
    assert prove(outside) == 303
    assert outside.dicomweb("/dicom-web/studies").status_code == 403
    assert outside.dicomweb(f"{gate.study}/metadata").status_code == 403


def test_l4_the_session_of_a_teleradiologist_ends_after_five_minutes_of_rest(gate: BrowsedGate) -> None:
    """Row I7."""
    gate.add("ext3", "teleradiologist")
    browser = signed_in(gate, "ext3")
    enrol(browser)
    gate.clock.moved += timedelta(minutes=3)
    assert browser.dicomweb("/dicom-web/studies").status_code == 403
    gate.clock.moved += timedelta(minutes=5, seconds=1)
    assert browser.dicomweb("/dicom-web/studies").status_code == 401


def test_i7_a_session_ends_after_a_quarter_of_an_hour_of_rest_and_after_twelve_hours_of_use(
    gate: BrowsedGate,
) -> None:
    """ASVS 7.3.1, 7.3.2."""
    gate.add("rad-i7", "radiologist")
    resting, busy = signed_in(gate, "rad-i7"), signed_in(gate, "rad-i7")
    gate.clock.moved += timedelta(minutes=14)
    assert [each.dicomweb("/dicom-web/studies").status_code for each in (resting, busy)] == [200, 200]
    gate.clock.moved += timedelta(minutes=14)
    assert busy.dicomweb("/dicom-web/studies").status_code == 200
    gate.clock.moved += timedelta(minutes=2)
    assert resting.dicomweb("/dicom-web/studies").status_code == 401
    for _ in range(49):
        assert busy.dicomweb("/dicom-web/studies").status_code == 200
        gate.clock.moved += timedelta(minutes=14)
    assert busy.dicomweb("/dicom-web/studies").status_code == 200
    pass_time(busy, minutes=5)
    assert busy.dicomweb("/dicom-web/studies").status_code == 401


def test_l2_who_is_refused_hears_the_rules_own_sentence_and_nothing_of_the_study(gate: BrowsedGate) -> None:
    gate.add("rad-l2", "radiologist")
    outside = signed_in(gate, "rad-l2", OUTSIDE)
    refused = outside.get(gate.study, headers=ZIP)
    assert (refused.status_code, refused.json()) == (
        403,
        {"error": "forbidden", "message": "Exports are made from the hospital network."},
    )
    told = outside.submit("/access", study=gate.item.key.study_instance_uid, action="export").text
    assert "Exports are made from the hospital network." in told
    assert "chief1" in told
    assert signed_in(gate, "rad-l2").get(gate.study, headers=ZIP).status_code == 200
