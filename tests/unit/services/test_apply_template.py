"""A template applied to sites: twice is once, and what was changed by hand is told."""

from dataclasses import replace

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.model.actions import Action
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.role import Role
from pacsgate.policy.document import load_policy
from pacsgate.services.apply_template import TemplateAdministration
from tests.support.people import PASSWORD, SCOPE, People, open_people

POLICY = load_policy(
    {
        "policy.yaml": """version: 1
roles:
  radiologist: {may: [search, view], owner: chief}
templates:
  radiology-standard:
    roles:
      radiologist-<site>: {extends: [radiologist], owner: head-of-<site>}
      resident-<site>: {extends: [radiologist-<site>], may: [annotate], owner: head-of-<site>}
    assignments:
      - {groups: [radiology-<site>], roles: [radiologist-<site>], scope: {pacs: main}}
"""
    }
)


@pytest.fixture
def people(tmp_path) -> People:
    people = open_people(tmp_path, policy=POLICY)
    for name, group in (("rad1", "radiology-B"), ("rad2", "radiology-C")):
        people.users.add(people.change(), name, password=PASSWORD, groups=frozenset({group}))
    people.trail.events.clear()
    return people


@pytest.fixture
def templates(people: People) -> TemplateAdministration:
    return TemplateAdministration(POLICY, people.roles, people.users)


def told(differences) -> list[str]:
    return [f"{each.role.name} {each.kind}: {each.detail}" for each in differences]


def test_applying_twice_changes_nothing_the_second_time(
    people: People, templates: TemplateAdministration
) -> None:
    assert len(templates.apply(people.change(), "radiology-standard", "B")) == 3
    roles, users = people.roles.roles(SCOPE), people.users.users(SCOPE)
    assert templates.apply(people.change(), "radiology-standard", "B") == ()
    assert (people.roles.roles(SCOPE), people.users.users(SCOPE)) == (roles, users)
    assert templates.drift(SCOPE, "radiology-standard", "B") == ()
    assert {role.name for role in roles} == {"radiologist-B", "resident-B"}
    given = {user.name: [one.role for one in user.assignments] for user in users}
    assert given == {"rad1": ["radiologist-B"], "rad2": []}


def test_every_change_is_recorded(people: People, templates: TemplateAdministration) -> None:
    templates.apply(people.change(), "radiology-standard", "B")
    assert [event.kind for event in people.trail.events] == [EventKind.ROLE_CHANGED] * 3
    assert (
        people.trail.events[0].details["after"].endswith("extends=radiologist; template=radiology-standard@B")
    )


def test_sites_are_made_alike_and_stay_apart(people: People, templates: TemplateAdministration) -> None:
    for site in ("B", "C"):
        templates.apply(people.change(), "radiology-standard", site)
    assert templates.sites(SCOPE, "radiology-standard") == ("B", "C")
    loaded = load_policy(POLICY.sources, people.roles.roles(SCOPE))
    assert (
        loaded.roles["resident-B"].may
        == loaded.roles["resident-C"].may
        == {Action.SEARCH, Action.VIEW, Action.ANNOTATE}
    )


def test_a_role_that_was_changed_by_hand_is_told_and_made_good(
    people: People, templates: TemplateAdministration
) -> None:
    templates.apply(people.change(), "radiology-standard", "B")
    (resident,) = (role for role in people.roles.roles(SCOPE) if role.name == "resident-B")
    people.roles.change(
        people.change(), replace(resident, may=frozenset({Action.ANNOTATE, Action.DELETE}), owner=None)
    )
    expected = [
        "resident-B changed: may is annotate delete and should be annotate, owner is nothing and should be `head-of-B`"
    ]
    assert told(templates.drift(SCOPE, "radiology-standard", "B")) == expected
    assert told(templates.apply(people.change(), "radiology-standard", "B")) == expected
    assert templates.drift(SCOPE, "radiology-standard", "B") == ()


def test_whoever_joins_later_is_told_as_lacking_the_role(
    people: People, templates: TemplateAdministration
) -> None:
    templates.apply(people.change(), "radiology-standard", "B")
    people.users.set_groups(people.change(), "rad2", frozenset({"radiology-B"}))
    assert told(templates.drift(SCOPE, "radiology-standard", "B")) == [
        "radiologist-B not given: `rad2` lacks radiologist-B archive=main"
    ]


def test_a_role_that_the_template_no_longer_knows_is_told_and_left_alone(
    people: People, templates: TemplateAdministration
) -> None:
    templates.apply(people.change(), "radiology-standard", "B")
    people.roles.add(people.change(), Role("fellow-B", template="radiology-standard@B"))
    assert told(templates.drift(SCOPE, "radiology-standard", "B")) == [
        "fellow-B unknown: is no longer in the template"
    ]
    assert templates.apply(people.change(), "radiology-standard", "B") == ()
    assert "fellow-B" in {role.name for role in people.roles.roles(SCOPE)}


def test_unknown_templates_and_names_that_are_none_are_refused(
    people: People, templates: TemplateAdministration
) -> None:
    with pytest.raises(NotFoundError, match="no template is called `standard`"):
        templates.apply(people.change(), "standard", "B")
    with pytest.raises(RequestError, match="cannot be a site's name"):
        templates.apply(people.change(), "radiology-standard", "B; DROP")
