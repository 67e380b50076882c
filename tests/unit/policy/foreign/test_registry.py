"""Foreign and native files make one policy: one namespace, one list of problems."""

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.errors import PolicyError
from pacsgate.model.role import Role
from pacsgate.policy.document import load_policy
from pacsgate.policy.foreign.formats import ForeignFormat
from pacsgate.policy.foreign.registry import READERS, kept
from pacsgate.policy.policy import Place
from tests.support import orthanc_auth_files, seed_000

NATIVE = """\
version: 1
roles: {reader: {may: [search, view]}}
rules: [{id: readers-read, effect: permit, roles: [reader]}]
assignments: [{groups: [doctors], roles: [zhiva-viewer, reader]}]
"""


def test_every_format_has_a_reader() -> None:
    assert set(READERS) == set(ForeignFormat)


def test_native_and_foreign_files_say_one_thing_together() -> None:
    policy = load_policy({"p.yaml": NATIVE, **seed_000.SOURCES, **orthanc_auth_files.SOURCES})
    assert {"reader", "zhiva-viewer", "orthanc-auth:doctor-role"} <= policy.roles.keys()
    assert policy.role_places["zhiva-viewer"] == Place("IncomingHttpRequestFilter.lua", 0)
    assert {"readers-read", "zhiva-admin", "orthanc-auth:looker/view/search"} <= {
        rule.rule_id for rule in policy.rules
    }
    assert [rule.rule_id for rule in policy.rules] == sorted(rule.rule_id for rule in policy.rules)
    given = {(given.assignment.role, *given.groups, *given.users) for given in policy.assignments}
    assert ("zhiva-viewer", "doctors") in given
    assert ("zhiva-viewer", "zhiva") in given
    assert {each.file for each in policy.left} == {"IncomingHttpRequestFilter.lua", "permissions.json"}


def test_foreign_files_alone_are_a_policy() -> None:
    assert load_policy(seed_000.SOURCES).own_roles.keys() == {
        "zhiva-viewer",
        "zhiva-editor",
        "zhiva-viewer-editor",
        "zhiva-admin",
    }


def test_a_role_of_a_foreign_file_is_nowhere_else() -> None:
    with pytest.raises(PolicyError, match="role `zhiva-admin` is here a second time"):
        load_policy({"p.yaml": "version: 1\nroles: {zhiva-admin: {may: [view]}}\n", **seed_000.SOURCES})
    with pytest.raises(PolicyError, match="role `zhiva-admin` is in the database too"):
        load_policy(seed_000.SOURCES, [Role("zhiva-admin", frozenset(Action))])


def test_a_rule_of_a_foreign_file_is_nowhere_else() -> None:
    text = (
        "version: 1\nroles: {r: {may: [view]}}\nrules: [{id: zhiva-admin, effect: forbid, actions: [view]}]\n"
    )
    with pytest.raises(PolicyError, match="rule `zhiva-admin` is here a second time"):
        load_policy({"p.yaml": text, **seed_000.SOURCES})


def test_problems_of_all_files_are_named_together() -> None:
    with pytest.raises(PolicyError) as raised:
        load_policy({"p.yaml": "version: [", "orthanc-auth:q.json": "{", "zhiva:f.lua": ""})
    files = {diagnostic.file for diagnostic in raised.value.diagnostics}
    assert files == {"p.yaml", "q.json", "f.lua"}


def test_a_format_that_nobody_reads_is_an_error() -> None:
    with pytest.raises(PolicyError, match=r"unknown format `zhivo`.*did you mean `zhiva`"):
        load_policy({"zhivo:f.lua": ""})


def test_what_has_no_secret_is_kept_as_it_is() -> None:
    for source, text in orthanc_auth_files.SOURCES.items():
        assert kept(source, text) == text
    assert kept("policy.yaml", NATIVE) == NATIVE
