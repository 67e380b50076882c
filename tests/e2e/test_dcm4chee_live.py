"""dcm4chee's stylesheets, and its successor's store rules, at work on what happens."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from pacsgate.bootstrap.installation import Installation
from pacsgate.dicom.summarise import summarise
from pacsgate.model.actions import Action
from pacsgate.model.resource import DEFAULT_TENANT, ResourceKey
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject, SubjectKind
from pacsgate.policy.foreign.dcm4chee.arc5.directory import read_directory
from pacsgate.policy.foreign.dcm4chee.arc5.translation import Translated, translated
from pacsgate.policy.foreign.dcm4chee.store_labels import store_labels_text
from pacsgate.policy.foreign.native_text import native_text
from pacsgate.policy.foreign.reading import Foreign
from pacsgate.ports import Arrival
from pacsgate.ports.occurrences import Occurrence, OccurrenceKind
from pacsgate.services.resolve import Reach, reach_among
from tests.contracts.test_inherited_labels import EVENT
from tests.support.data_sets import data_set
from tests.support.dcm4chee_files import LDIF
from tests.support.installed import bound, installed, main_archive
from tests.support.objects import variant

POLICY = """version: 1
roles:
  Doctor: {may: [search, view, retrieve, append], owner: chief}
  orders: {permissions: [GrantByOrder], owner: informatics}
"""
SERIES = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:param name="calling"/>
<xsl:template match="/dataset"><p>
  <xsl:choose>
    <xsl:when test="$calling='BROKEN'"><grant role="Doctor" action="Q" suid="1.2.3"/><grant role="Doctor"/></xsl:when>
    <xsl:when test="$calling='EMPTY'"><grant role="Doctor" action="Q" suid="{attr[@tag='00400253']}"/></xsl:when>
    <xsl:when test="$calling='STOP'">
      <grant role="Doctor" action="Q" suid="1.2.3"/><xsl:message terminate="yes">JANE DOE</xsl:message>
    </xsl:when>
    <xsl:when test="$calling='NOBODY'"><grant role="Nobody" action="Q" suid="1.2.3"/></xsl:when>
    <xsl:when test="$calling='UNKNOWN'"><revoke role="Doctor" action="A" suid="1.2.3"/></xsl:when>
    <xsl:otherwise>
      <grant role="Doctor" action="Q,R,A" suid="{attr[@tag='0020000D']}"/>
    </xsl:otherwise>
  </xsl:choose></p>
</xsl:template>
</xsl:stylesheet>
"""
STUDY = "1.2.3"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Installation]:
    for name in ("series", "mpps"):
        (tmp_path / f"{name}-permission.xsl").write_text(SERIES)
    settings = "".join(
        f"  {name}_stylesheet: {tmp_path}/{name}-permission.xsl\n" for name in ("series", "mpps")
    )
    with installed(tmp_path, policy=POLICY, settings=f"dcm4chee:\n{settings}") as installation:
        yield installation


def happen(
    installation: Installation,
    calling: str | None,
    kind: OccurrenceKind = OccurrenceKind.STUDY_ARRIVED,
    *,
    roles: tuple[str, ...] = (),
    **attributes: str,
) -> None:
    header = data_set(StudyInstanceUID=STUDY, PatientID="P1", **attributes)
    subject = Subject(
        DEFAULT_TENANT, "CT1", SubjectKind.DEVICE, assignments=tuple(Assignment(role) for role in roles)
    )
    installation.occurrences.happened(
        Occurrence(
            kind,
            installation.scope,
            main_archive(installation),
            installation.clock.now(),
            STUDY,
            subject,
            calling_ae_title=calling,
            study_instance_uid=STUDY,
            data_set=header,
        )
    )


def permitted(installation: Installation) -> set[Action]:
    return {each.action for each in installation.stores.permissions.of_study(installation.scope, STUDY)}


def trail(installation: Installation) -> str:
    files = sorted((installation.settings.data / "trail").glob("*"))
    return "\n".join(file.read_text() for file in files if file.is_file())


ALL = {Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.APPEND}


@pytest.mark.parametrize("kind", [OccurrenceKind.STUDY_ARRIVED, OccurrenceKind.SERIES_STORED])
def test_what_is_stored_permits_as_the_stylesheet_says(gate: Installation, kind: OccurrenceKind) -> None:
    happen(gate, "CT1", kind)
    assert permitted(gate) == ALL
    happen(gate, None)  # which the stylesheet is told as UNKNOWN
    assert permitted(gate) == ALL - {Action.APPEND}
    assert f"stylesheet series-permission.xsl: {kind} {STUDY}" in trail(gate)


@pytest.mark.parametrize(
    ("calling", "why"),
    [
        ("BROKEN", "`grant` has no `action`"),
        ("EMPTY", "on an empty `suid`"),
        ("STOP", "it failed at line"),
        ("NOBODY", "no role is called `Nobody`"),
    ],
)
def test_a_stylesheet_that_fails_grants_nothing_and_is_on_record_without_its_input(
    gate: Installation, calling: str, why: str
) -> None:
    happen(gate, calling, PatientName="JANE DOE")
    assert permitted(gate) == set()
    assert why in trail(gate)
    assert "JANE" not in trail(gate)


def test_a_procedure_step_counts_only_from_who_may_grant_by_order(gate: Installation) -> None:
    happen(gate, "CT1", OccurrenceKind.PROCEDURE_STEP_CREATED)
    assert permitted(gate) == set()
    assert "GrantByOrder" in trail(gate)
    # The stylesheet is told of the station, and not of who passed the step on.
    station = {"PerformedStationAETitle": "CT1"}
    happen(gate, "STOP", OccurrenceKind.PROCEDURE_STEP_CREATED, roles=("orders",), **station)
    assert permitted(gate) == ALL


def directory() -> Translated:
    return translated(
        read_directory(LDIF.splitlines(keepends=True), "arc.ldif"), "main", unlabelled_is_public=False
    )


def public() -> Translated:
    return translated(
        read_directory(LDIF.splitlines(keepends=True), "arc.ldif"), "main", unlabelled_is_public=True
    )


def policy_of(found: Translated) -> str:
    text = native_text(Foreign(roles=found.roles, rules=found.rules), "Imported.")
    return (
        text + "assignments:\n  - {users: [nora], roles: [north]}\n  - {users: [otto], roles: [arc5-user]}\n"
    )


@pytest.mark.parametrize(
    ("modality", "calling", "labels"),
    [
        ("CT", "CT1", {"SHARED"}),
        ("CT", "CT9", {"N1"}),
        ("US", "US1", {"N1"}),
    ],
)
def test_store_rules_label_what_arrives(
    tmp_path: Path, modality: str, calling: str, labels: set[str]
) -> None:
    found = directory()
    assert found.store_labels is not None
    (tmp_path / "labels.yaml").write_text(store_labels_text(found.store_labels))
    settings = f"dcm4chee: {{store_labels: {tmp_path / 'labels.yaml'}}}\n"
    with installed(tmp_path, policy=policy_of(found), settings=settings) as installation:
        archive = main_archive(installation)
        item = arrived(installation, modality, calling)
        (study,) = installation.stores.index.studies(installation.scope, archive, STUDY)
        assert study.facts["labels"] == labels
        happen(installation, calling, OccurrenceKind.SERIES_STORED, Modality="US")
        (study,) = installation.stores.index.studies(installation.scope, archive, STUDY)
        assert study.facts["labels"] == labels | {"N1"}
        assert item


def arrived(installation: Installation, modality: str, calling: str) -> bool:
    """A study is in the index as if it had come by an association with NORTH, and is told of."""

    one = variant(StudyInstanceUID=STUDY)
    summary = summarise(dcmread(io.BytesIO(one.data), stop_before_pixels=True))
    origin = {
        name: frozenset({value})
        for name, value in (("calling_ae_title", calling), ("called_ae_title", "NORTH"))
    }
    installation.indexer.add(
        installation.scope,
        main_archive(installation),
        [Arrival(summary, len(one.data), one.digest, cursor="")],
        origin={"ingest_principal": frozenset({"ct"}), **origin},
    )
    happen(installation, calling, Modality=modality)
    return True


@pytest.mark.parametrize(
    ("user", "found", "labels", "sees"),
    [
        ("nora", directory(), {"N1"}, True),
        ("nora", directory(), {"OTHER"}, False),
        ("nora", directory(), set(), False),
        ("nora", public(), set(), True),
        ("nora", public(), {"SHARED", "OTHER"}, True),
        ("otto", directory(), set(), True),
        ("otto", directory(), {"OTHER"}, True),
        ("nobody", public(), set(), False),
    ],
)
def test_an_ae_lets_through_what_it_lists_to_the_roles_that_it_accepts(
    tmp_path: Path, user: str, found: Translated, labels: set[str], sees: bool
) -> None:
    with installed(tmp_path, [variant(StudyInstanceUID=STUDY)], policy=policy_of(found)) as installation:
        archive, index = main_archive(installation), installation.stores.index
        if labels:
            index.set_labels(installation.scope, archive, STUDY, labels=frozenset(labels), event=EVENT)
        held = index.studies(installation.scope, archive, STUDY)
        reached = reach_among(held, ResourceKey(STUDY), Action.VIEW, bound(installation, user))
        assert isinstance(reached, Reach) is sees
