"""The permissions file of Research PACS on AWS: its schema row by row, and what its profiles permit."""

from collections.abc import Iterable

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import Context, RequestLine
from pacsgate.model.decision import Allow
from pacsgate.model.errors import PolicyError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.subject import Subject
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import Bound, bind
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.foreign.reading import ORTHANC_PERMISSIONS
from pacsgate.policy.foreign.research_pacs.profiles import READING
from pacsgate.policy.instance_query.reading import read_query
from pacsgate.policy.instance_query.tree import query_id
from pacsgate.policy.ir import FILTERS
from pacsgate.policy.policy import Policy
from tests.support.seed_001 import SEED
from tests.unit.policy.hospital import MAIN, NOON

CT, MR = (query_id(read_query(f"Modality StrEquals {modality}")) for modality in ("CT", "MR"))


def load(text: str) -> Policy:
    return load_policy({"research-pacs:permissions.yaml": text})


def profile(body: str, *, assignments: str = "  - {Users: ann, Profiles: P}") -> str:
    return f"Profiles:\n  P:\n    Description: some\n{body}\nPermissions:\n{assignments}\n"


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as refused:
        load(text)
    return [str(diagnostic) for diagnostic in refused.value.diagnostics]


def bound(text: str, name: str = "ann", groups: Iterable[str] = (), request: str | None = None) -> Bound:
    """What the file leaves for somebody who sends this request, such as `GET /studies`."""
    line = None if request is None else RequestLine(*request.split(" ", 1))
    subject = Subject(tenant=DEFAULT_TENANT, name=name, groups=frozenset(groups))
    return bind(load(text), subject, Context(now=NOON, request_id="r", request=line), MAIN, ())


def part(*filters: str) -> ResourceFacts:
    """A part of a series whose instances match these filters."""
    return ResourceFacts({"labels": frozenset()}, {FILTERS.name: frozenset(filters)})


def allowed(asker: Bound, facts: ResourceFacts | None = None) -> set[Action]:
    return {action for action in Action if isinstance(asker.decide(action, facts or part()), Allow)}


# ------------------------------------------------------------------ the seed, unchanged


def test_the_group_of_the_seed_reads_computed_tomography_and_nothing_else() -> None:
    for request in (None, "GET /dicom-web/studies", "GET /studies", "GET /instances/x/file"):
        asker = bound(SEED, "someone", ["groups-ct"], request)
        assert allowed(asker, part(CT)) == READING
        assert allowed(asker, part(MR)) == set()


def test_the_user_of_the_seed_reads_everything_and_changes_nothing() -> None:
    for request in (None, "GET /dicom-web/studies", "HEAD /dicom-web/studies/1"):
        assert allowed(bound(SEED, "user1", request=request)) == READING
    for request in ("GET /studies", "GET /studies/1/series", "GET /instances/1/file"):
        assert allowed(bound(SEED, "user1", request=request)) >= READING
    for request in (
        "DELETE /studies/1",
        "HEAD /studies",
        "POST /tools/find",
        "GET /app",
        "DELETE /x/app/../y",
    ):
        assert allowed(bound(SEED, "user1", request=request)) == set()
    for method in ("DELETE", "POST"):
        assert allowed(bound(SEED, "user1", request=f"{method} /dicom-web/studies/1")) == READING


def test_nobody_else_has_anything() -> None:
    stranger = bound(SEED, "user2", ["groups-mr"])
    assert allowed(stranger, part(CT)) == set()
    assert all(stranger.could(action) is not None for action in Action)


def test_names_are_told_apart_by_case() -> None:
    assert allowed(bound(SEED, "User1")) == set()
    assert allowed(bound(SEED, "x", ["Groups-CT"]), part(CT)) == set()


def test_an_instance_that_was_not_asked_yet_is_not_permitted() -> None:
    asker = bound(SEED, "x", ["groups-ct"])
    assert allowed(asker, ResourceFacts({}, {})) == set()
    assert allowed(asker, ResourceFacts({}, None)) == set()


# ------------------------------------------------------------------ how profiles combine

UNION = """\
Profiles:
  Ct: {Description: ct, DICOMQueryFilter: Modality StrEquals CT}
  Mr: {Description: mr, DICOMQueryFilter: Modality StrEquals MR}
  All: {Description: all}
  Deleting: {Description: d, OrthancPathPatterns: {Allow: ANY /studies/**, Deny: GET /studies/*/archive}}
  Archives: {Description: a, OrthancPathPatterns: {Allow: "GET /**/archive"}}
  Denying: {Description: n, OrthancPathPatterns: {Deny: ["ANY /dicom-web/**", "ANY /dicom-web"]}}
Permissions:
  - {Users: [ct, both], Profiles: Ct}
  - {Users: both, Permissions: [Mr, Mr]}
  - {Users: [all, ct-and-all], Profiles: All}
  - {Users: ct-and-all, Profiles: Ct}
  - {Users: [deleting, archiving, ct-deleting], Profiles: Deleting}
  - {Users: archiving, Profiles: Archives}
  - {Users: [denying, ct-denying], Profiles: Denying}
  - {Users: [ct-deleting, ct-denying], Profiles: Ct}
  - {Users: x, Groups: g, Profiles: Ct}
"""


def test_filters_add_up() -> None:
    assert allowed(bound(UNION, "both"), part(CT)) == READING
    assert allowed(bound(UNION, "both"), part(MR)) == READING
    assert allowed(bound(UNION, "both"), part()) == set()


def test_a_profile_without_filter_lifts_the_filters_of_others() -> None:
    assert allowed(bound(UNION, "ct-and-all")) == allowed(bound(UNION, "all")) == READING


def test_an_assignment_holds_for_its_users_and_for_its_groups() -> None:
    assert allowed(bound(UNION, "x"), part(CT)) == READING
    assert allowed(bound(UNION, "y", ["g"]), part(CT)) == READING
    assert allowed(bound(UNION, "g", ["x"]), part(CT)) == set()


def test_a_path_profile_lifts_filters_where_it_implies_access_and_nowhere_else() -> None:
    assert allowed(bound(UNION, "ct-deleting")) == READING
    assert allowed(bound(UNION, "ct-deleting", request="GET /dicom-web/studies")) == READING
    assert allowed(bound(UNION, "ct-deleting", request="GET /instances/1/file")) == set()
    assert allowed(bound(UNION, "ct-deleting", request="GET /instances/1/file"), part(CT)) == READING


def test_an_allowed_path_permits_whatever_its_request_does() -> None:
    asker = bound(UNION, "deleting", request="DELETE /studies/1")
    assert allowed(asker) == set(Action) - {Action.SHARE}
    assert allowed(bound(UNION, "deleting", request="DELETE /series/1")) == set()


def test_a_deny_beats_an_allow_of_its_own_profile_and_of_no_other() -> None:
    request = "GET /studies/1/archive"
    assert allowed(bound(UNION, "deleting", request=request)) == set()
    assert Action.EXPORT in allowed(bound(UNION, "archiving", request=request))


def test_who_is_denied_a_document_is_not_told_how_long_it_is() -> None:
    assert not allowed(
        bound(profile("    OrthancPathPatterns: {Allow: GET /studies}"), request="HEAD /studies")
    )
    assert allowed(bound(UNION, "deleting", request="HEAD /studies/1"))
    for method in ("GET", "HEAD"):
        assert allowed(bound(UNION, "deleting", request=f"{method} /studies/1/archive")) == set()


def test_a_deny_takes_away_what_its_profile_implies_over_dicomweb() -> None:
    assert allowed(bound(UNION, "denying")) == READING
    assert allowed(bound(UNION, "denying", request="GET /dicom-web/studies")) == set()
    assert allowed(bound(UNION, "ct-denying", request="GET /dicom-web/studies"), part(CT)) == READING
    assert allowed(bound(UNION, "ct-denying", request="GET /dicom-web/studies"), part(MR)) == set()


@pytest.mark.parametrize(
    ("pattern", "request_line", "matches"),
    [
        ("GET /studies/*", "GET /studies/abc", True),
        ("GET /studies/*", "GET /studies/", True),
        ("GET /studies/*", "GET /studies/abc/series", False),
        ("GET /studies/**", "GET /studies/abc/series", True),
        ("GET /studies/**", "GET /studies/", True),
        ("GET /studies/**", "GET /studies", False),
        ("any /APP/**", "DELETE /app/x", True),
        ("ANY **", "PUT /x/y", True),
        ("HEAD /studies", "GET /studies", False),
        ("GET /studies*", "GET /studies-x", True),
        ("GET /**/archive", "GET /studies/1/archive", True),
        ("GET /a.c", "GET /abc", False),
        ("GET /a***c", "GET /a/b/c", True),
    ],
)
def test_a_path_pattern_means_these_requests(pattern: str, request_line: str, matches: bool) -> None:
    text = profile(f'    OrthancPathPatterns: {{Allow: "{pattern}"}}')
    assert (Action.DELETE in allowed(bound(text, request=request_line))) is matches
    denied = profile(f'    OrthancPathPatterns: {{Allow: "ANY **", Deny: ["{pattern}"]}}')
    assert (Action.DELETE in allowed(bound(denied, request=request_line))) is not matches


# ------------------------------------------------------------------ the schema, row by row


@pytest.mark.parametrize(
    "body",
    [
        "",
        "    DICOMQueryFilter: ''",
        "    DICOMQueryFilter: ''\n    OrthancPathPatterns: {}",
        "    OrthancPathPatterns: {}",
        "    OrthancPathPatterns: {Allow: GET /x, Deny: [GET /y]}",
        "    OrthancPathPatterns: {Allow: ANY **}",
        "    DICOMQueryFilter: Modality StrNotEquals CT",
        "    DICOMQueryFilter: 30060002 Exists",
    ],
)
def test_a_profile_of_this_shape_is_read(body: str) -> None:
    assert load(profile(body)).own_roles.keys() == {"research-pacs:P"}


@pytest.mark.parametrize("body", ["", "    DICOMQueryFilter: ''"])
def test_neither_filter_nor_patterns_is_every_instance(body: str) -> None:
    assert allowed(bound(profile(body))) == READING


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Profiles: []\nPermissions: []", "`Profiles` must be a mapping"),
        ("Profiles: {}\nPermissions: {}", "`Permissions` must be a list"),
        ("Permissions: []", "needs `Profiles`"),
        ("Profiles: {}", "needs `Permissions`"),
        ("Profiles: {P: x}\nPermissions: []", "profile `P` must be a mapping"),
        ("Profiles: {P: {}}\nPermissions: []", "profile `P` needs `Description`"),
        ("Profiles: {P: {Description: [x]}}\nPermissions: []", "`Description` must be a text"),
        ("Profiles: {}\nPermissions: [{Users: ann, Profiles: P}]", "unknown profile `P`"),
        ("Profiles: {}\nPermissions: [{Profiles: P}]", "an assignment needs `Users` or `Groups`"),
        ("Profiles: {}\nPermissions: [{Users: ann}]", "names its profiles once"),
        ("Profiles: {}\nPermissions: [{Users: a, Profiles: P, Permissions: P}]", "names its profiles once"),
        ("Profiles: {}\nPermissions: [{Users: {a: b}, Profiles: P}]", "`Users` must be a list"),
        ("Profiles: {}\nPermissions: []\nprofiles: {}", "has no `profiles`"),
        ("Profiles: {}\nPermissions: []\nProfiles: {}", "`Profiles` is here twice"),
        ("Profiles: {P: {Description: x}, P: {Description: y}}\nPermissions: []", "`P` is here twice"),
    ],
)
def test_a_file_of_this_shape_is_refused(text: str, said: str) -> None:
    assert any(said in problem for problem in problems(text))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    DicomQueryFilter: Modality StrEquals CT", "has no `DicomQueryFilter`"),
        ("    DICOMQueryFilter: Modality StrEquals CT\n    OrthancPathPatterns: {}", "not both"),
        ("    DICOMQueryFilter: '  '", "`DICOMQueryFilter` is blank"),
        ("    DICOMQueryFilter:", "`DICOMQueryFilter` is empty"),
        ("    DICOMQueryFilter: [a]", "`DICOMQueryFilter` must be a text"),
        ("    DICOMQueryFilter: Modality Like CT", "the query cannot be read here"),
        ("    DICOMQueryFilter: Modalty StrNotEquals CT", "(did you mean `Modality`?)"),
        ("    OrthancPathPatterns: {allow: GET /x}", "has no `allow`"),
        ("    OrthancPathPatterns: {Allow: GET/x}", "`GET/x` is no path pattern"),
        ("    OrthancPathPatterns: {Allow: GET  /x}", "`GET  /x` is no path pattern"),
        ("    OrthancPathPatterns: {Allow: FOO /x}", "unknown method `FOO`"),
        ("    OrthancPathPatterns: {Deny: DELTE /x}", "unknown method `DELTE` (did you mean `DELETE`?)"),
        ("    OrthancPathPatterns: {Deny: DELETE studies/*}", "`DELETE studies/*` matches no path"),
    ],
)
def test_what_would_widen_access_by_mistake_is_refused(body: str, said: str) -> None:
    assert any(said in problem for problem in problems(profile(body)))


def test_every_mistake_has_its_place() -> None:
    text = profile("    DICOMQueryFilter: Modality StrEquals CT AND Rows Nb 5\n    Extra: 1")
    assert [problem.partition(": ")[0] for problem in problems(text)] == [
        "permissions.yaml:4:54",
        "permissions.yaml:5:5",
    ]


def test_several_files_say_one_thing_together() -> None:
    profiles = "Profiles: {P: {Description: x}}\nPermissions: []"
    people = "Profiles: {}\nPermissions: [{Users: ann, Profiles: P}]"
    both = load_policy({"research-pacs:a.yaml": people, "research-pacs:b.yaml": profiles})
    assert both.assignments[0].assignment.role in both.roles
    with pytest.raises(PolicyError, match=r"second time; first at a\.yaml:1"):
        load_policy({"research-pacs:a.yaml": profiles, "research-pacs:b.yaml": profiles})


def test_a_report_says_what_a_path_profile_lifts() -> None:
    assert any("bound by no filter" in str(one) for one in load(SEED).left)


PROFILE = """\
Profiles:
  P: {Description: d, OrthancPathPatterns: {Allow: ["%s"], Deny: [%s]}}
Permissions: [{Users: u, Profiles: P}]
"""


@pytest.mark.parametrize(
    ("allow", "deny", "all_permissions"),
    [
        ("ANY /**", "", True),
        ("any **", "", True),
        ("ANY /**", "DELETE /**", False),
        ("GET /**", "", False),
        ("ANY /modalities/**", "", False),
    ],
)
def test_the_server_itself_is_for_profiles_that_allow_every_request(
    allow: str, deny: str, all_permissions: bool
) -> None:
    policy = load(PROFILE % (allow, deny))
    held = policy.roles["research-pacs:P"].permissions
    assert held == (ORTHANC_PERMISSIONS if all_permissions else frozenset())
    assert any("opens nothing of the server" in str(one) for one in policy.left) is not all_permissions
