"""What an import writes decides as the file that it was made from, whoever asks for whatever by whatever request."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.actions import Action
from pacsgate.model.context import RequestLine
from pacsgate.model.decision import Allow
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.role import Assignment, Role
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.foreign.native_text import native_names, native_text
from pacsgate.policy.foreign.reading import Foreign, split_name
from pacsgate.policy.foreign.registry import READERS
from pacsgate.policy.language.problems import Problems
from pacsgate.policy.policy import Place, Policy, PolicyAssignment
from tests.support import orthanc_auth_files, seed_000
from tests.unit.policy.hospital import INSIDE, MAIN, study

PERMISSIONS = """\
Profiles:
  ResearcherAll:
    Description: "This profile allows access to all DICOM instances"
    OrthancPathPatterns:
      Allow: ['ANY /app/**', GET /system, GET /patients, 'GET /studies/**', 'ANY /dicom-web/**']
      Deny: 'DELETE **'
  "CT, of the head":
    Description: with a name that is none of ours
    DICOMQueryFilter: (Modality StrEquals CT AND StudyDescription StrEquals "*head*") OR Rows NbLess 3
  'CT: of the head':
    Description: which looks alike
    DICOMQueryFilter: Modality StrEquals CT
  Long:
    Description: whose filter is too long to be its own identifier
    DICOMQueryFilter: >-
      StudyDescription StrEquals "*shoulder*" OR StudyDescription StrEquals "*elbow*" OR
      StudyDescription StrEquals "*wrist*" OR StudyDescription StrEquals "*finger*" OR
      StudyDescription StrEquals "*thumb*" OR StudyDescription StrEquals "*knee*"
  Everything: {Description: all instances}
Permissions:
  - {Users: user1, Profiles: ResearcherAll}
  - {Groups: [groups-ct, "quoted \\" and \\u00e9"], Profiles: ['CT, of the head', 'CT: of the head', Long]}
  - {Users: [user2], Groups: doctors, Permissions: Everything}
"""

FILES = {
    "zhiva": seed_000.SOURCES,
    "orthanc-auth": orthanc_auth_files.SOURCES,
    "research-pacs": {"research-pacs:permissions.yaml": PERMISSIONS},
}
REQUESTS = [
    None,
    *(
        RequestLine(method, path)
        for method, path in product(
            ("GET", "POST", "DELETE", "BREW"),
            (
                "/studies/x",
                "/studies/x/modify",
                "/tools/find",
                "/APP/x/y",
                "/dicom-web/studies",
                "/studies/x/labels/l",
            ),
        )
    ),
]


def read(sources: Mapping[str, str]) -> Foreign:
    (name,) = {split_name(source)[0] for source in sources}
    problems = Problems()
    foreign = READERS[str(name)]({split_name(each)[1]: text for each, text in sources.items()}, problems)
    problems.raise_if_any()
    return foreign


def decisions(policy: Policy, subject: Subject, facts: list[ResourceFacts]) -> list[bool]:
    found = []
    for request in REQUESTS:
        bound = bind(policy, subject, replace(INSIDE, request=request), MAIN, ())
        found += [isinstance(bound.decide(action, each), Allow) for action in Action for each in facts]
    return found


def having(role: str) -> Subject:
    return Subject(DEFAULT_TENANT, "x", assignments=(Assignment(role),))


@pytest.mark.parametrize("name", FILES)
def test_the_native_policy_decides_as_the_foreign_file(name: str) -> None:
    foreign = read(FILES[name])
    before = load_policy(FILES[name])
    after = load_policy({"native.yaml": native_text(foreign, "Imported.")})
    assert after.filters.keys() == before.filters.keys()
    facts = [study(labels=labels) for labels in ((), ("external",), ("trial-7", "trial-8"))]
    facts += [
        replace(each, series={**(each.series or {}), "filters": frozenset(chosen)})
        for each in facts[:1]
        for chosen in ((), *((one,) for one in before.filters), tuple(before.filters))
    ]
    names = native_names(foreign)
    for role in foreign.roles:
        assert after.roles[names[role.name]].permissions == role.permissions
    users = {user for given in before.assignments for user in given.users} | {"nobody"}
    groups = {group for given in before.assignments for group in given.groups}
    asked = [(Subject(DEFAULT_TENANT, user), Subject(DEFAULT_TENANT, user)) for user in users]
    asked += [(Subject(DEFAULT_TENANT, "x", groups=frozenset({group})),) * 2 for group in groups]
    asked += [(having(role), having(names[role])) for role in before.own_roles]
    allowed = 0
    for theirs, ours in asked:
        there, here = decisions(before, theirs, facts), decisions(after, ours, facts)
        assert there == here
        allowed += sum(there)
    assert allowed > 100


@pytest.mark.parametrize("name", FILES)
def test_what_was_not_carried_over_stands_at_the_head_of_the_file(name: str) -> None:
    foreign = read(FILES[name])
    lines = native_text(foreign, "Imported.").splitlines()
    assert lines[0] == "# Imported."
    assert len([line for line in lines if line.startswith("# Not carried over: ")]) == len(foreign.left)


NAMES = st.text(min_size=1, max_size=90).filter(str.strip)


@given(st.sets(NAMES, min_size=1, max_size=4), st.sets(NAMES, min_size=1))
def test_whatever_roles_and_people_are_called_the_file_can_be_read(roles: set[str], people: set[str]) -> None:
    place = Place("f", 1)
    foreign = Foreign(
        roles=tuple(Role(role, frozenset({Action.VIEW}), description=role) for role in roles),
        assignments=tuple(
            PolicyAssignment(frozenset(people), frozenset(), Assignment(role), place) for role in roles
        ),
    )
    policy = load_policy({"n.yaml": native_text(foreign, "x")})
    assert len(policy.own_roles) == len(roles)
    assert {user for given in policy.assignments for user in given.users} == people
