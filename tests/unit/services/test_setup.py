import pytest

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.identity.credentials import PasswordCredential
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.model.subject import Subject
from pacsgate.ports import AuthenticationFailed
from tests.support.people import PASSWORD, SCOPE, open_people


@pytest.fixture
def fresh(tmp_path):
    return open_people(tmp_path)


def sign_in(people, name, password=PASSWORD):
    return people.authenticator.authenticate(PasswordCredential(name, password), people.context())


@pytest.mark.parametrize("name", ["admin", "root", "orthanc", "pacsgate", "administrator"])
def test_a_fresh_installation_lets_nobody_in_by_default(fresh, name):
    fresh.setup.begin(SCOPE)
    for password in ("", "admin", "password", "orthanc", name):
        assert isinstance(sign_in(fresh, name, password), AuthenticationFailed)
        fresh.clock.advance(hours=3)


def test_the_code_makes_one_administrator_without_clinical_access(fresh):
    code = fresh.setup.begin(SCOPE)
    fresh.setup.complete(fresh.change(), f" {code}\n", "admin1", PASSWORD)
    subject = sign_in(fresh, "admin1")
    assert isinstance(subject, Subject)
    assert [assignment.role for assignment in subject.assignments] == ["administrator"]
    (role,) = fresh.roles.roles(SCOPE)
    assert role.permissions == frozenset(Permission)
    assert role.may == frozenset()


def test_the_code_works_once_and_no_code_is_made_afterwards(fresh):
    code = fresh.setup.begin(SCOPE)
    fresh.setup.complete(fresh.change(), code, "admin1", PASSWORD)
    with pytest.raises(ConflictError):
        fresh.setup.complete(fresh.change(), code, "admin2", PASSWORD)
    assert fresh.setup.begin(SCOPE) is None
    assert fresh.directory.setup_code_sha256(SCOPE) is None


def test_a_wrong_code_is_refused_and_recorded_without_it(fresh):
    fresh.setup.begin(SCOPE)
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
    code = fresh.setup.begin(SCOPE)
    for name, password in (("admin1", "short"), ("a:b", PASSWORD)):
        with pytest.raises(RequestError):
            fresh.setup.complete(fresh.change(), code, name, password)
    assert fresh.setup.complete(fresh.change(), code, "admin1", PASSWORD).name == "admin1"


def test_every_start_without_users_prints_another_code_and_the_old_one_is_void(fresh):
    old, new = fresh.setup.begin(SCOPE), fresh.setup.begin(SCOPE)
    assert old != new
    assert len(new) == 32  # 128 bits
    with pytest.raises(RequestError):
        fresh.setup.complete(fresh.change(), old, "admin1", PASSWORD)
