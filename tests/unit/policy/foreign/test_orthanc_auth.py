"""The roles of orthanc-auth-service: what each permission gives, on which labels, and what is refused."""

from dataclasses import replace

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import RequestLine
from pacsgate.model.decision import Allow
from pacsgate.model.errors import PolicyError
from pacsgate.model.permission import Permission
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.policy.foreign.orthanc_auth import ServicePermission
from pacsgate.policy.policy import Policy
from tests.support.orthanc_auth_files import SOURCES
from tests.unit.policy.hospital import INSIDE, MAIN, person, study

POLICY = load_policy(SOURCES)
EVERY_REQUEST = [
    "GET /studies",
    "POST /studies/x/modify",
    "POST /studies/x/anonymize",
    "PUT /studies/x/labels/l",
]


def one(permission: str, labels: str = '["trial-7"]') -> Policy:
    text = f'{{"roles": {{"r": {{"authorized-labels": {labels}, "permissions": ["{permission}"]}}}}}}'
    return load_policy({"orthanc-auth:p.json": text})


def may(policy: Policy, role: str, labels: tuple[str, ...] = (), request: str | None = None) -> set[Action]:
    method, _, path = (request or "").partition(" ")
    context = replace(INSIDE, request=RequestLine(method, path) if request else None)
    bound = bind(policy, person(*(f"orthanc-auth:{each}" for each in role.split("+"))), context, MAIN, ())
    return {action for action in Action if isinstance(bound.decide(action, study(labels=labels)), Allow)}


@pytest.mark.parametrize(
    ("permission", "actions"),
    [
        ("view", {Action.SEARCH, Action.VIEW}),
        ("download", {Action.RETRIEVE, Action.EXPORT}),
        ("send", set()),  # one can only send away what one may take
        ("delete", {Action.DELETE}),
        ("share", {Action.SHARE}),
        ("upload", {Action.STORE, Action.APPEND}),
        ("modify", set()),
        ("anonymize", set()),
        ("edit-labels", set()),
        *((each, set()) for each in ("q-r-remote-modalities", "settings", "api-view", "worklists")),
        *((each, set()) for each in ("admin-permissions", "audit-logs")),
    ],
)
def test_a_permission_is_these_actions_on_the_role_s_labels_and_nothing_on_others(
    permission: str, actions: set[Action]
) -> None:
    policy = one(permission)
    assert may(policy, "r", ("trial-7",)) == actions
    assert may(policy, "r", ("trial-7", "x"), "GET /studies") == actions
    assert may(policy, "r", ("trial-70",)) == may(policy, "r") == actions & {Action.STORE}
    assert may(one(permission, '["*"]'), "r") == actions
    assert may(one(permission, "[]"), "r", ("trial-7",)) == actions & {Action.STORE}


@pytest.mark.parametrize(
    ("permission", "request_line", "expected"),
    [
        ("modify", "POST /studies/1-2/modify", True),
        ("modify", "POST /patients/1-2/modify", True),
        ("modify", "POST /studies/1-2/merge", True),
        ("modify", "POST /tools/bulk-modify", True),
        ("modify", "POST /studies/1-2/anonymize", False),
        ("modify", "PUT /studies/1-2/labels/x", False),
        ("anonymize", "POST /series/1-2/anonymize", True),
        ("anonymize", "POST /tools/bulk-anonymize", True),
        ("anonymize", "POST /studies/1-2/modify", False),
        ("edit-labels", "PUT /studies/1-2/labels/x", True),
        ("edit-labels", "DELETE /studies/1-2/labels/x", True),
        ("edit-labels", "DELETE /studies/1-2", False),
        ("edit-labels", "POST /studies/1-2/modify", False),
    ],
)
def test_what_is_less_than_an_update_holds_for_its_own_requests(
    permission: str, request_line: str, expected: bool
) -> None:
    assert may(one(permission), "r", ("trial-7",), request_line) == ({Action.UPDATE} if expected else set())
    assert may(one(permission), "r", ("other",), request_line) == set()


def test_all_is_every_permission_but_those_of_administrators() -> None:
    alone = [one(each) for each in ServicePermission if each is not ServicePermission.ALL]
    for request in EVERY_REQUEST:
        together = set().union(*(may(policy, "r", ("trial-7",), request) for policy in alone))
        assert may(one("all"), "r", ("trial-7",), request) == together


def test_a_role_keeps_its_permissions_to_its_own_labels() -> None:
    assert may(POLICY, "looker+external-role", ("trial-7",)) == {Action.SEARCH, Action.VIEW, Action.STORE}
    assert Action.RETRIEVE in may(POLICY, "looker+external-role", ("external",))


def test_nobody_has_a_role_by_this_file() -> None:
    assert POLICY.assignments == ()
    native = "version: 1\nassignments: [{groups: [doctors], roles: ['orthanc-auth:doctor-role']}]\n"
    bound = bind(load_policy({**SOURCES, "p.yaml": native}), person(groups=("doctors",)), INSIDE, MAIN, ())
    assert isinstance(bound.decide(Action.VIEW, study()), Allow)


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        ("admin-role", {Permission.REMOTE_QUERY, Permission.JOB_ADMINISTER}),
        ("partner", {Permission.REMOTE_QUERY}),  # `all` is all but the administration
        ("doctor-role", set()),
        ("sender only", set()),
    ],
)
def test_what_is_about_no_study_is_a_permission_or_nothing(role: str, permissions: set[Permission]) -> None:
    assert POLICY.roles[f"orthanc-auth:{role}"].permissions == permissions


def test_what_is_not_carried_over_is_said() -> None:
    said = [str(each) for each in POLICY.left]
    for permission in ("settings", "worklists", "api-view", "audit-logs"):
        assert any(f"`{permission}` of role `admin-role` is not carried over" in each for each in said)
    assert any(
        "`admin-permissions` of role `admin-role` is here `JobAdminister` alone" in each for each in said
    )
    assert any("`all` of role `partner` is here all but" in each for each in said)
    assert any("`send` of role `forwarder` sends nothing without `download`" in each for each in said)
    assert any("`view` of role `looker` let files and archives through" in each for each in said)
    assert any("role `sender only` has no label" in each for each in said)
    assert not any("doctor-role" in each for each in said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "p.json:1:1: a permissions file needs `roles`"),
        ('{"roles": {}, "labels": []}', "has no `labels`"),
        ('{"roles": {"r": {"authorized-labels": [], "permissions": ["veiw"]}}}', "unknown permission `veiw` (did you mean `view`?)"),
        ('{"roles": {"r": {"authorized-labels": [], "permissions": ["create-inbox-links"]}}}', "unknown permission"),
        ('{"roles": {"r": {"authorized-labels": []}}}', "role `r` needs `permissions`"),
        ('{"roles": {"r": {"permissions": ["view"]}}}', "role `r` gives its labels once"),
        ('{"roles": {"r": {"authorized-labels": [], "authorized_labels": [], "permissions": []}}}', "gives its labels once"),
        ('{"roles": {"r": {"authorized-labels": "*", "permissions": ["view"]}}}', "must be a list"),
        ('{"roles": {" ": {"authorized-labels": [], "permissions": []}}}', "is no name for a role"),
        ('{"roles": {"r": {}, "r": {}}}', "`r` is here twice"),
    ],
)  # fmt: skip
def test_what_is_unknown_is_an_error(text: str, said: str) -> None:
    with pytest.raises(PolicyError) as raised:
        load_policy({"orthanc-auth:p.json": text})
    assert said in str(raised.value)


def test_two_files_may_not_speak_of_one_role() -> None:
    text = '{"roles": {"r": {"authorized-labels": [], "permissions": []}}}'
    with pytest.raises(PolicyError, match=r"role `r` is here a second time; first at a\.json:1"):
        load_policy({"orthanc-auth:a.json": text, "orthanc-auth:b.json": text})
