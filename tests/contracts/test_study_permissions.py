"""Study permissions are facts of their study, whether it is there yet or not."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.canonical import decode_event
from pacsgate.audit.events import Actor, AuditEvent, EventKind, StudyObject
from pacsgate.model.actions import Action
from pacsgate.model.grant import GranteeKind, GrantTarget
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantName, TenantScope
from pacsgate.model.study_permission import Holding, StudyPermission
from pacsgate.policy.ir import PERMITTED, PERMITTED_USERS, Contains, Formula
from pacsgate.ports.study_permissions import StudyPermissions
from pacsgate.stores.stores import Stores
from tests.contracts.asking import STUDIES, all_found, found
from tests.support.indexing import MAIN, SCOPE, SEEN, instance, within

OTHER = ArchiveName("research")
DOCTOR = (GranteeKind.ROLE, "Doctor")
ANN = (GranteeKind.USER, "ann")
WARD = (GranteeKind.GROUP, "ward")


def permission(
    study: str = "1.2.1", action: Action = Action.SEARCH, grantee: tuple[GranteeKind, str] = DOCTOR
) -> StudyPermission:
    return StudyPermission(study, action, *grantee, "command", "op", SEEN)


def told(changed: Sequence[StudyPermission]) -> Iterable[AuditEvent]:
    for each in changed:
        yield AuditEvent(
            EventKind.OBJECT_ACCESS_CHANGED,
            SEEN,
            Actor("op", verified=True),
            tenant=SCOPE.tenant,
            study=StudyObject(each.study_instance_uid),
            details={"holding": str(each.holding)},
        )


def named(each: StudyPermission) -> tuple[str, Holding]:
    return each.study_instance_uid, each.holding


def permits(action: Action = Action.SEARCH, grantee: tuple[GranteeKind, str] = DOCTOR) -> Formula:
    about = PERMITTED_USERS if grantee[0] is GranteeKind.USER else PERMITTED
    return Contains(about, str(Holding(action, *grantee)))


@pytest.fixture
def permissions(stores: Stores) -> StudyPermissions:
    return stores.permissions


@pytest.mark.parametrize("grantee", [DOCTOR, WARD, ANN])
def test_a_permission_is_found_by_its_holder_alone(
    stores: Stores, permissions: StudyPermissions, grantee: tuple[GranteeKind, str]
) -> None:
    stores.index.ingest(SCOPE, MAIN, [instance("1.2.1"), instance("1.2.2")], SEEN)
    one = permission(grantee=grantee)
    assert permissions.add(SCOPE, [one], told) == (one,)
    assert found(stores.index, permits(grantee=grantee)) == ["1.2.1"]
    assert not found(stores.index, permits(Action.VIEW, grantee))
    assert not found(stores.index, permits(grantee=(grantee[0], "somebody else")))
    assert permissions.remove(SCOPE, [named(one)], told) == (one,)
    assert not found(stores.index, permits(grantee=grantee))


@pytest.mark.parametrize("grantee", [DOCTOR, ANN])
def test_a_permission_may_come_before_its_study(
    stores: Stores, permissions: StudyPermissions, grantee: tuple[GranteeKind, str]
) -> None:
    permissions.add(SCOPE, [permission(grantee=grantee)], told)
    stores.index.ingest(SCOPE, MAIN, [instance("1.2.1"), instance("1.2.2")], SEEN)
    assert found(stores.index, permits(grantee=grantee)) == ["1.2.1"]
    (study,) = stores.index.studies(SCOPE, MAIN, "1.2.1")
    held = {**study.facts}.get("permitted", study.facts.get("permitted_users"))
    assert held == {str(Holding(Action.SEARCH, *grantee))}


def test_a_study_without_permissions_has_no_such_facts(stores: Stores) -> None:
    stores.index.ingest(SCOPE, MAIN, [instance("1.2.1")], SEEN)
    (study,) = stores.index.studies(SCOPE, MAIN, "1.2.1")
    assert not {"permitted", "permitted_users"} & study.facts.keys()


def test_both_patients_who_share_a_uid_and_every_archive_have_it(
    stores: Stores, permissions: StudyPermissions
) -> None:
    stores.index.ingest(SCOPE, MAIN, [instance(patient="P1"), instance(patient="P2")], SEEN)
    stores.index.ingest(SCOPE, OTHER, [instance(patient="P3")], SEEN)
    permissions.add(SCOPE, [permission()], told)
    assert found(stores.index, permits()) == ["1.2.1", "1.2.1"]
    assert stores.index.count(SCOPE, OTHER, within(permits())) == 1


def test_what_is_there_already_is_not_added_and_not_told(
    stores: Stores, permissions: StudyPermissions
) -> None:
    first, second = permission(), permission(action=Action.VIEW)
    assert permissions.add(SCOPE, [first, first], told) == (first,)
    later = replace(first, origin="rule x", granted_at=SEEN + timedelta(days=1))
    assert permissions.add(SCOPE, [later, second], told) == (second,)
    assert permissions.of_study(SCOPE, "1.2.1") == (first, second)
    assert permissions.remove(SCOPE, [named(permission("1.2.9"))], told) == ()
    told_of = [decode_event(event).details["holding"] for _, event in stores.outbox.pending()]
    assert told_of == ["search:role:Doctor", "view:role:Doctor"]


def test_permissions_outlive_the_rows_of_their_study(stores: Stores, permissions: StudyPermissions) -> None:
    stores.index.ingest(SCOPE, MAIN, [instance("1.2.1"), instance("1.2.2")], SEEN)
    permissions.add(SCOPE, [permission(), permission("1.2.2")], told)
    assert not list(permissions.every(SCOPE, orphans=True))
    stores.index.remove(SCOPE, MAIN, ResourceKey("1.2.1"))
    assert list(permissions.every(SCOPE, orphans=True)) == [permission()]
    stores.index.ingest(SCOPE, MAIN, [instance("1.2.1")], SEEN)
    assert sorted(found(stores.index, permits())) == ["1.2.1", "1.2.2"]


def test_refilling_a_study_keeps_its_permissions(stores: Stores, permissions: StudyPermissions) -> None:
    stores.index.ingest(SCOPE, MAIN, [instance("1.2.1")], SEEN)
    permissions.add(SCOPE, [permission(), permission(grantee=ANN)], told)
    stores.index.refill(SCOPE, MAIN, "1.2.1", "1.2.1.1", {"department": frozenset({"A"})}, {})
    assert found(stores.index, permits()) == ["1.2.1"] == found(stores.index, permits(grantee=ANN))


def test_holdings_are_those_of_which_there_is_a_permission(
    stores: Stores, permissions: StudyPermissions
) -> None:
    permissions.add(SCOPE, [permission("1.2.1"), permission("1.2.2"), permission(grantee=ANN)], told)
    assert permissions.holdings(SCOPE) == (Holding(Action.SEARCH, *DOCTOR), Holding(Action.SEARCH, *ANN))
    permissions.remove(SCOPE, [named(permission("1.2.1")), named(permission(grantee=ANN))], told)
    assert permissions.holdings(SCOPE) == (Holding(Action.SEARCH, *DOCTOR),)
    (grant,) = stores.directory.granted(SCOPE)
    assert grant.target is GrantTarget.STUDY_PERMISSION
    assert stores.directory.grants(SCOPE) == ()


def test_only_the_first_and_the_last_of_a_holding_move_the_epoch_of_grants(
    stores: Stores, permissions: StudyPermissions
) -> None:
    stores.index.ingest(SCOPE, MAIN, [instance("1.2.1"), instance("1.2.2")], SEEN)

    def moved(change: Sequence[StudyPermission], *, away: bool = False) -> tuple[bool, bool]:
        before = stores.epochs.current()
        if away:
            permissions.remove(SCOPE, [named(each) for each in change], told)
        else:
            permissions.add(SCOPE, change, told)
        after = stores.epochs.current()
        return after.grants != before.grants, after.index != before.index

    assert moved([permission("1.2.1")]) == (True, True)
    assert moved([permission("1.2.2")]) == (False, True)
    assert moved([permission("1.2.2")]) == (False, False)
    assert moved([permission("1.2.3")]) == (False, False)
    assert moved([permission("1.2.1"), permission("1.2.2")], away=True) == (False, True)
    assert moved([permission("1.2.3")], away=True) == (True, False)


def test_all_are_walked_in_batches_and_a_grantees_alone(permissions: StudyPermissions) -> None:
    many = [permission(f"1.2.{number}") for number in range(2_001)]
    permissions.add(SCOPE, [*many, permission("1.2.5", grantee=ANN)], lambda _: ())
    assert len(list(permissions.every(SCOPE))) == 2_002
    assert list(permissions.every(SCOPE, grantee=ANN)) == [permission("1.2.5", grantee=ANN)]


def test_a_tenant_has_its_own(stores: Stores, permissions: StudyPermissions) -> None:
    other = TenantScope(TenantName("other"))
    stores.index.ingest(SCOPE, MAIN, [instance()], SEEN)
    permissions.add(other, [permission()], told)
    assert not found(stores.index, permits())
    assert not permissions.of_study(SCOPE, "1.2.1")
    assert not permissions.holdings(SCOPE)


def test_a_patient_is_one_of_one_issuer(stores: Stores, permissions: StudyPermissions) -> None:
    items = [
        instance("1.2.1", patient="P1", issuer="A"),
        instance("1.2.2", patient="P1"),
        instance("1.2.3", patient="P1", issuer="B"),
        instance("1.2.4", patient="A|P1"),
    ]
    stores.index.ingest(SCOPE, MAIN, items, SEEN)
    assert permissions.studies_of(SCOPE, GrantTarget.PATIENT, "A|P1") == ("1.2.1",)
    assert permissions.studies_of(SCOPE, GrantTarget.PATIENT, "P1") == ("1.2.2",)
    assert permissions.studies_of(SCOPE, GrantTarget.PATIENT, "|A|P1") == ("1.2.4",)


def test_a_role_with_any_name_is_data(stores: Stores, permissions: StudyPermissions) -> None:
    odd = (GranteeKind.ROLE, "x' OR '1'='1 -- : % \\ \N{SNOWMAN}")
    stores.index.ingest(SCOPE, MAIN, [instance("1.2.1"), instance("1.2.2")], SEEN)
    permissions.add(SCOPE, [permission(grantee=odd)], told)
    assert found(stores.index, permits(grantee=odd)) == ["1.2.1"]


def test_permissions_of_users_make_no_kinds(stores: Stores, permissions: StudyPermissions) -> None:
    """Kinds of study are few; people with a study of their own are not."""
    stores.index.ingest(SCOPE, MAIN, [instance(f"1.2.{number}") for number in range(30)], SEEN)
    permissions.add(
        SCOPE,
        [permission(f"1.2.{number}", grantee=(GranteeKind.USER, f"u{number}")) for number in range(30)],
        told,
    )
    assert len(list(stores.index.kinds(SCOPE, MAIN))) == 1
    assert found(stores.index, permits(grantee=(GranteeKind.USER, "u7"))) == ["1.2.7"]


def test_a_row_that_moved_is_as_if_it_had_been_written_anew(
    stores: Stores, permissions: StudyPermissions
) -> None:
    """Only what permissions say is worked out when they change; ingesting works out everything."""
    items = [
        instance(
            f"1.2.{number}",
            patient=f"P{number % 3}",
            of_study={"StudyDate": f"2026030{number % 9 + 1}"},
            study_facts={"department": frozenset({"AB"[number % 2]}), "referrer": frozenset({f"R{number}"})},
            many=frozenset({"referrer"}),
        )
        for number in range(12)
    ]
    stores.index.ingest(SCOPE, MAIN, items, SEEN)
    given = [
        permission(f"1.2.{number}", action, grantee)
        for number in range(0, 12, 2)
        for action, grantee in ((Action.SEARCH, DOCTOR), (Action.VIEW, ANN), (Action.VIEW, WARD))[
            : number % 4
        ]
    ]
    permissions.add(SCOPE, given, told)
    permissions.remove(SCOPE, [named(each) for each in given[::3]], told)

    def everything() -> object:
        kinds = {
            (frozenset(kind.study.items()), kind.open, kind.studies)
            for kind in stores.index.kinds(SCOPE, MAIN)
        }
        studies = {study.study_instance_uid: study for study in stores.index.every_study(SCOPE, MAIN)}
        held = {uid: (study.facts, study.attributes) for uid, study in studies.items()}
        return kinds, held, stores.index.counts(SCOPE, MAIN), all_found(stores.index, STUDIES)

    moved = everything()
    stores.index.ingest(SCOPE, MAIN, items, SEEN)
    assert everything() == moved
