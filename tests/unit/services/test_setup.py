import pytest

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.identity.credentials import PasswordCredential
from pacsgate.model.built_in_roles import NEVER_IN_CUSTOM_ROLES
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.subject import Subject, SubjectKind
from pacsgate.policy.document import load_policy
from pacsgate.ports import AuthenticationFailed, UserRecord
from tests.support.people import PASSWORD, SCOPE, open_people


@pytest.fixture
def fresh(tmp_path):
    return open_people(tmp_path)


def sign_in(people, name, password=PASSWORD):
    return people.authenticator.authenticate(PasswordCredential(name, password), people.context())


@pytest.mark.parametrize("name", ["admin", "root", "orthanc", "pacsgate", "administrator"])
def test_a_fresh_installation_lets_nobody_in_by_default(fresh, name):
    fresh.setup.begin(SCOPE, fresh.clock.now())
    for password in ("", "admin", "password", "orthanc", name):
        assert isinstance(sign_in(fresh, name, password), AuthenticationFailed)
        fresh.clock.advance(hours=3)


def test_the_code_makes_one_administrator_without_clinical_access(fresh):
    code = fresh.setup.begin(SCOPE, fresh.clock.now())
    fresh.setup.complete(fresh.change(), f" {code}\n", "admin1", PASSWORD)
    subject = sign_in(fresh, "admin1")
    assert isinstance(subject, Subject)
    assert [assignment.role for assignment in subject.assignments] == ["administrator"]
    (role,) = fresh.roles.roles(SCOPE)
    assert role.permissions == frozenset(Permission) - NEVER_IN_CUSTOM_ROLES
    assert role.may == frozenset()


def test_the_code_works_once_and_no_code_is_made_afterwards(fresh):
    code = fresh.setup.begin(SCOPE, fresh.clock.now())
    fresh.setup.complete(fresh.change(), code, "admin1", PASSWORD)
    with pytest.raises(ConflictError):
        fresh.setup.complete(fresh.change(), code, "admin2", PASSWORD)
    assert fresh.setup.begin(SCOPE, fresh.clock.now()) is None
    assert fresh.directory.setup_code_sha256(SCOPE, fresh.clock.now()) is None


def test_a_wrong_code_is_refused_and_recorded_without_it(fresh):
    fresh.setup.begin(SCOPE, fresh.clock.now())
    for wrong in ("", "guess-" * 5, "\ud800"):
        with pytest.raises(RequestError, match="set-up code"):
            fresh.setup.complete(fresh.change(), wrong, "admin1", PASSWORD)
    assert [(event.kind, event.outcome) for event in fresh.trail.events] == [
        (EventKind.SIGN_IN, Outcome.SERIOUS)
    ] * 3
    assert "guess" not in repr(fresh.trail.events)


def test_without_a_code_there_is_nothing_to_guess(fresh):
    with pytest.raises(RequestError):
        fresh.setup.complete(fresh.change(), "", "admin1", PASSWORD)


def test_a_weak_password_or_a_bad_name_does_not_use_up_the_code(fresh):
    code = fresh.setup.begin(SCOPE, fresh.clock.now())
    for name, password in (("admin1", "short"), ("a:b", PASSWORD)):
        with pytest.raises(RequestError):
            fresh.setup.complete(fresh.change(), code, name, password)
    assert fresh.setup.complete(fresh.change(), code, "admin1", PASSWORD).name == "admin1"


def test_every_start_without_users_prints_another_code_and_the_old_one_is_void(fresh):
    old, new = fresh.setup.begin(SCOPE, fresh.clock.now()), fresh.setup.begin(SCOPE, fresh.clock.now())
    assert old != new
    assert len(new) == 32  # 128 bits
    with pytest.raises(RequestError):
        fresh.setup.complete(fresh.change(), old, "admin1", PASSWORD)


def test_a_code_that_nobody_used_for_a_day_is_worth_nothing(fresh):
    """ASVS 6.4.1."""
    code = fresh.setup.begin(SCOPE, fresh.clock.now())
    fresh.clock.advance(hours=24)
    with pytest.raises(RequestError):
        fresh.setup.complete(fresh.change(), code, "admin1", "correct horse battery")


POLICY = """
version: 1
roles:
  it: {permissions: [UserAdminister]}
  reader: {may: [search]}
assignments:
  - {groups: [informatics], roles: [it]}
  - {groups: [staff], roles: [reader]}
"""


@pytest.fixture
def governed(tmp_path):
    return open_people(tmp_path, policy=load_policy({"policy.yaml": POLICY}))


def _from_a_directory(people, name, group):
    record = UserRecord(name, SubjectKind.USER.value, groups=frozenset({group}), source="ldap1")
    people.directory.add_user(
        SCOPE, record, people.change().event(EventKind.USER_CHANGED, "user added", name)
    )


def test_people_of_a_directory_and_programs_do_not_close_the_set_up_before_anybody_can_administer(governed):
    """A nightly list that ran before the first administrator came would else shut everybody out."""
    _from_a_directory(governed, "lena", "staff")
    governed.users.add(governed.change(), "scim-hr", kind=SubjectKind.SERVICE)
    code = governed.setup.begin(SCOPE, governed.clock.now())
    assert governed.setup.complete(governed.change(), code, "admin1", PASSWORD).name == "admin1"
    assert governed.setup.begin(SCOPE, governed.clock.now()) is None


@pytest.mark.parametrize(
    "close",
    [
        lambda people: _from_a_directory(people, "iris", "informatics"),
        lambda people: people.users.add(people.change(), "ann"),
    ],
    ids=["a person of a directory who administers", "a person of the gate"],
)
def test_whoever_administers_and_any_person_of_the_gate_closes_the_set_up(governed, close):
    code = governed.setup.begin(SCOPE, governed.clock.now())
    close(governed)
    assert governed.setup.begin(SCOPE, governed.clock.now()) is None
    with pytest.raises(ConflictError):
        governed.setup.complete(governed.change(), code, "admin1", PASSWORD)


def test_without_a_policy_nobody_knows_who_administers_and_any_account_closes_the_set_up(fresh):
    _from_a_directory(fresh, "lena", "staff")
    assert fresh.setup.begin(SCOPE, fresh.clock.now()) is None
