"""Scopes as an upper bound: what a token may be used for at most, and never more than that."""

from datetime import timedelta

import pytest

from pacsgate.identity.federation.source_policy import SourcePolicy
from pacsgate.identity.federation.token_scopes import bounded_actions, bounded_patient
from pacsgate.model.actions import Action
from pacsgate.ports.assertions import Claims
from tests.support.clocks import START

READING = {Action.SEARCH, Action.VIEW, Action.RETRIEVE}
WRITING = {Action.STORE, Action.APPEND, Action.ANNOTATE}
FREE, BOUND = SourcePolicy("a"), SourcePolicy("a", scopes_bound=True)


def claims(*scopes, patient=None, spoken=True):
    return Claims(
        "https://a.example",
        "anna",
        START + timedelta(minutes=5),
        scopes=frozenset(scopes) if spoken else None,
        context={"patient": frozenset({patient})} if patient else {},
    )


@pytest.mark.parametrize(
    ("scope", "actions"),
    [
        ("user/ImagingStudy.rs", READING),
        ("user/ImagingStudy.r", {Action.VIEW, Action.RETRIEVE}),
        ("user/ImagingStudy.s", {Action.SEARCH}),
        ("user/ImagingStudy.read", READING),
        ("system/ImagingStudy.read", READING),
        ("user/*.rs", READING),
        ("user/ImagingStudy.c", WRITING),
        ("user/ImagingStudy.cud", WRITING | {Action.UPDATE, Action.DELETE}),
        ("user/ImagingStudy.write", WRITING | {Action.UPDATE, Action.DELETE}),
        ("user/ImagingStudy.cruds", READING | WRITING | {Action.UPDATE, Action.DELETE}),
        ("user/ImagingStudy.*", READING | WRITING | {Action.UPDATE, Action.DELETE}),
        ("RAD-129", {Action.SEARCH}),
        ("RAD-107", {Action.VIEW, Action.RETRIEVE}),
        ("RAD-55", {Action.VIEW, Action.RETRIEVE}),
        ("RAD-108", WRITING),
    ],
)
def test_a_scope_names_actions(scope, actions):
    for source in (FREE, BOUND):
        assert bounded_actions(source, claims(scope)) == actions
        assert bounded_actions(source, claims(scope, "openid", "profile")) == actions


@pytest.mark.parametrize(
    "scope",
    [
        "user/ImagingStudy.rs?modality=CT",
        "user/Observation.rs",
        "user/ImagingStudy.sr",
        "user/ImagingStudy.",
        "user/ImagingStudy",
        "patient/ImagingStudy.rs",
        "nobody/ImagingStudy.rs",
        "USER/ImagingStudy.rs",
        "user/imagingstudy.rs",
    ],
)
def test_a_scope_that_cannot_be_held_gives_nothing(scope):
    """SMART 2.2: what is not understood is not granted; a patient's scope needs its patient."""
    assert bounded_actions(BOUND, claims(scope)) == frozenset()
    assert bounded_actions(BOUND, claims(scope, "user/ImagingStudy.s")) == {Action.SEARCH}


def test_scopes_about_other_things_say_nothing_unless_the_source_is_bound():
    for said in (claims("openid", "profile"), claims(spoken=False)):
        assert bounded_actions(FREE, said) is None
        assert bounded_actions(BOUND, said) == frozenset()


def test_no_scope_ever_gives_what_leaves_the_house():
    everything = bounded_actions(FREE, claims("user/*.*", "system/*.cruds", "RAD-107"))
    assert everything is not None
    assert not everything & {Action.EXPORT, Action.SHARE}


def test_a_patients_scope_binds_the_whole_token_to_the_patient_it_was_issued_about():
    """C7."""
    said = claims("patient/ImagingStudy.rs", "user/ImagingStudy.rs", patient="P1")
    assert (bounded_actions(FREE, said), bounded_patient(said)) == (READING, "P1")
    assert bounded_patient(claims("user/ImagingStudy.rs", patient="P1")) is None
    assert bounded_patient(claims("patient/ImagingStudy.rs")) is None
