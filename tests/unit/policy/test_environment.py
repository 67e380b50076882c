from dataclasses import replace
from datetime import datetime, timedelta, timezone

from pacsgate.model.subject import Credential, SubjectKind
from pacsgate.policy.environment import environment_attributes, user_attributes
from tests.unit.policy.hospital import INSIDE, person, policy


def test_the_hour_and_the_day_are_those_of_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    context = replace(INSIDE, now=datetime(2026, 3, 9, 6, 30, tzinfo=tokyo))  # a Monday there
    values = environment_attributes(person(), context, policy())
    assert (values["hour"], values["weekday"]) == ({21}, {"sun"})


def test_the_request_s_circumstances_are_named() -> None:
    values = environment_attributes(replace(person(), credential=Credential.TOKEN), INSIDE, policy())
    assert (values["network"], values["purpose"], values["credential"]) == (
        {"internal"},
        {"TREAT"},
        {"token"},
    )


def test_an_attribute_of_an_identity_source_never_shadows_a_built_in_one() -> None:
    claims = {"name": frozenset({"chief"}), "kind": frozenset({"user"}), "groups": frozenset({"heads"})}
    impostor = replace(person(groups=("g",)), kind=SubjectKind.DEVICE, attributes=claims)
    values = user_attributes(impostor)
    assert (values["name"], values["kind"], values["groups"]) == ({"ann"}, {"device"}, {"g"})
