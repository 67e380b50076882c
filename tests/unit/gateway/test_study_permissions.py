"""Somebody who may do nothing by rules is permitted one study: over DICOMweb, from the next request on."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.role import Assignment, Role
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_tokens import TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.study_permissions import StudyPermissionAdministration
from tests.support.open_gate import Answer, OpenGate, ask, desk, open_gate

SINGLE = "application/dicom; transfer-syntax=*"
TAKE = frozenset({Action.SEARCH, Action.VIEW, Action.RETRIEVE})
GUEST = (GranteeKind.ROLE, "guest")


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenGate]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with open_gate(tmp_path) as opened:
        office, change = desk(opened.installation)
        RoleAdministration(office).add(change, Role("guest", TAKE))
        users = UserAdministration(office, Argon2Passwords())
        users.add(change, "gus")
        users.assign(change, "gus", Assignment("guest"))
        token = TokenAdministration(office, RandomTokens()).issue(
            change, "gus", label="t", expires_at=change.at + timedelta(days=1)
        )
        yield replace(opened, token=token)


def permit(door: OpenGate, grantee: tuple[GranteeKind, str] = GUEST) -> None:
    office, change = desk(door.installation)
    target = (GrantTarget.STUDY, door.item.key.study_instance_uid)
    StudyPermissionAdministration(office).grant(
        change, grantee=grantee, target=target, actions=TAKE, origin="test"
    )


def withdraw(door: OpenGate) -> None:
    office, change = desk(door.installation)
    target = (GrantTarget.STUDY, door.item.key.study_instance_uid)
    StudyPermissionAdministration(office).revoke(
        change, grantee=GUEST, target=target, actions=TAKE, origin="test"
    )


def get(door: OpenGate, path: str, accept: str = "application/dicom+json") -> Answer:
    headers = ((b"authorization", f"Bearer {door.token.text}".encode()), (b"accept", accept.encode()))
    return asyncio.run(ask(door.app, path, headers))


def listed(door: OpenGate) -> int:
    answer = get(door, "/dicom-web/studies")
    assert answer.status in {200, 204}
    return answer.body.count(door.item.key.study_instance_uid.encode())


@pytest.mark.parametrize("grantee", [GUEST, (GranteeKind.USER, "gus")])
def test_a_permitted_study_is_listed_and_opened(door: OpenGate, grantee: tuple[GranteeKind, str]) -> None:
    metadata = f"/dicom-web/studies/{door.item.key.study_instance_uid}/metadata"
    assert get(door, metadata).status == 403, "nothing could ever be allowed"
    permit(door, grantee)
    assert listed(door) > 0
    assert get(door, metadata).status == 200
    assert get(door, door.path, SINGLE).body == door.item.data
    assert get(door, "/dicom-web/studies/1.2.3/metadata").status == 404


def test_a_forbid_beats_a_study_permission(door: OpenGate) -> None:
    permit(door)
    door.seal()
    assert listed(door) == 0
    assert get(door, door.path, SINGLE).status == 404


def test_withdrawing_a_permission_ends_what_is_being_sent(door: OpenGate) -> None:
    permit(door)
    done: list[None] = []

    def withdrawn_once() -> float:
        if not done:
            done.append(withdraw(door))
        return 1.1

    headers, body, is_whole = door.get(SINGLE, while_sending=withdrawn_once)
    assert not is_whole
    assert 0 < len(body) < int(headers["content-length"])
    assert get(door, door.path, SINGLE).status == 403
