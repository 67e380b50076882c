"""Holes in how dcm4chee 2 gave permissions: by rules, by messages, by tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from pacsgate.bootstrap.installation import Installation
from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.subject import Subject, SubjectKind
from pacsgate.policy.document import load_policy
from pacsgate.policy.foreign.dcm4chee.reader import Origin, Source, read_dcm4chee
from pacsgate.policy.foreign.native_text import native_text
from pacsgate.ports.occurrences import Occurrence, OccurrenceKind
from pacsgate.services.administration import Change
from pacsgate.services.study_permissions import StudyPermissionAdministration
from tests.support.installed import installed, main_archive
from tests.support.messages import order

POLICY = "version: 1\nroles:\n  Doctor: {may: [search, view], owner: chief}\n"
SHEET = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><p>
  <grant role="Doctor" action="Q" suid="{//ZDS/field[1]}{//attr[@tag='0020000D']}"/>
</p></xsl:template></xsl:stylesheet>
"""
SWITCHES = ("Query", "Read", "Export", "Append")


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Installation]:
    sheet = tmp_path / "permission.xsl"
    sheet.write_text(SHEET)
    settings = (
        f"dcm4chee: {{series_stylesheet: {sheet}, mpps_stylesheet: {sheet}, hl7_stylesheet: {sheet}}}\n"
    )
    with installed(tmp_path, policy=POLICY, settings=settings) as installation:
        yield installation


def happen(
    gate: Installation, kind: OccurrenceKind, header: Dataset | None, message: bytes | None = None
) -> None:
    gate.occurrences.happened(
        Occurrence(
            kind,
            gate.scope,
            main_archive(gate),
            gate.clock.now(),
            "x",
            Subject(DEFAULT_TENANT, "anybody", SubjectKind.DEVICE),
            data_set=header,
            message=message,
        )
    )


def test_no_permission_is_ever_made_for_a_study_without_a_uid(gate: Installation) -> None:
    happen(gate, OccurrenceKind.SERIES_STORED, Dataset())
    assert list(gate.stores.permissions.every(gate.scope)) == []


@pytest.mark.parametrize("kind", [OccurrenceKind.MESSAGE_RECEIVED, OccurrenceKind.PROCEDURE_STEP_CREATED])
def test_not_everybody_who_can_send_a_message_can_give_permissions(
    gate: Installation, kind: OccurrenceKind
) -> None:
    header = Dataset()
    header.StudyInstanceUID = "1.2.3"
    is_message = kind is OccurrenceKind.MESSAGE_RECEIVED
    happen(gate, kind, None if is_message else header, order("P", "1.2.3") if is_message else None)
    assert list(gate.stores.permissions.every(gate.scope)) == []


@pytest.mark.parametrize(
    "name", ["x' OR '1'='1", "x'); DELETE FROM study_permission;--", 'x"', "x\\", "x%", "\u0000x"]
)
def test_the_name_of_a_role_is_never_part_of_a_question_to_the_database(
    gate: Installation, name: str
) -> None:
    change = Change(gate.scope, gate.actor(), gate.clock.now())
    permissions = StudyPermissionAdministration(gate.office)
    given = {"target": (GrantTarget.STUDY, "1.2.3"), "actions": frozenset({Action.SEARCH}), "origin": "test"}
    permissions.grant(change, grantee=(GranteeKind.ROLE, "Doctor"), **given)
    rows = [("1.2.4", Action.SEARCH, GranteeKind.ROLE, name)]
    permissions.import_rows(change, rows, origin="test")
    permissions.revoke(change, grantee=(GranteeKind.ROLE, f"{name}x"), **given)
    held = {(each.study_instance_uid, each.grantee) for each in permissions.every(gate.scope)}
    assert ("1.2.3", "Doctor") in held
    assert len(held) == 2


def imported(text: str) -> str:
    sources = [Source("exported.txt", lambda: iter(text.splitlines(keepends=True)))]
    return native_text(read_dcm4chee(sources, Origin("main", "it")).foreign, "Imported.")


def test_what_was_open_by_default_is_not_imported_as_open() -> None:
    everything = "".join(f"Unrestricted{each}PermissionsToAETitles=ANY\n" for each in SWITCHES)
    everything += "enableStudyPermissionCheck=false\nDefaultUserID=admin\nRejectIfNoUserIdentity=false\n"
    policy = load_policy({"p.yaml": imported(everything)})
    assert policy.rules == ()
    assert policy.assignments == ()
