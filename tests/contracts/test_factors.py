"""What every store of second factors and of challenges promises."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports import UserRecord
from pacsgate.ports.factors import FactorKind, FactorRecord
from pacsgate.stores.stores import Stores
from tests.support.indexing import SCOPE, SEEN

OTHER = TenantScope(TenantName("other"))
EVENT = AuditEvent(EventKind.USER_CHANGED, SEEN, Actor("ada", verified=True))
APP = FactorRecord("f1", "ada", FactorKind.TOTP, "phone", b"\x00sealed", SEEN, details='{"digits":6}')
KEY = FactorRecord("f2", "ada", FactorKind.PASSKEY, "key", b"cose", SEEN + timedelta(seconds=1), counter=7)
CODE = FactorRecord("f3", "ada", FactorKind.RECOVERY_CODE, "", bytes(32), SEEN + timedelta(seconds=2))


def once(attempt: Callable[[Stores], bool], *processes: Stores) -> list[bool]:
    """What eight attempts at once, at two processes, come to."""
    outcomes: list[bool] = []
    threads = [threading.Thread(target=lambda at=at: outcomes.append(attempt(at))) for at in processes * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_factors_are_kept_as_they_are_oldest_first(stores: Stores, another_process: Stores) -> None:
    for each in (CODE, KEY, APP):
        stores.factors.add_factor(SCOPE, each, EVENT)
    assert another_process.factors.factors(SCOPE, "ada") == (APP, KEY, CODE)
    assert another_process.factors.factor("f2") == (SCOPE.tenant, KEY)
    assert another_process.factors.factors_of_kind(SCOPE, FactorKind.TOTP) == (APP,)
    assert stores.factors.factors(SCOPE, "bob") == stores.factors.factors(OTHER, "ada") == ()
    assert stores.factors.factor("f\0") is None


def test_adding_and_removing_moves_the_users_epoch_and_is_told(stores: Stores) -> None:
    epochs = [stores.epochs.current().users]
    stores.factors.add_factor(SCOPE, APP, EVENT)
    epochs.append(stores.epochs.current().users)
    stores.factors.remove_factor(SCOPE, "ada", "f1", EVENT)
    epochs.append(stores.epochs.current().users)
    assert len(set(epochs)) == 3
    assert len(stores.outbox.pending()) == 2


def test_a_factor_is_registered_once_in_whichever_tenant(stores: Stores) -> None:
    stores.factors.add_factor(SCOPE, KEY, EVENT)
    for scope in (SCOPE, OTHER):
        with pytest.raises(ConflictError):
            stores.factors.add_factor(scope, replace(KEY, user="bob"), EVENT)


def test_nobody_removes_the_factor_of_somebody_else(stores: Stores) -> None:
    stores.factors.add_factor(SCOPE, APP, EVENT)
    for scope, user in ((SCOPE, "bob"), (OTHER, "ada")):
        with pytest.raises(NotFoundError):
            stores.factors.remove_factor(scope, user, "f1", EVENT)
    assert stores.factors.factors(SCOPE, "ada") == (APP,)


def test_an_account_tells_whether_it_has_a_second_factor_and_recovery_codes_alone_are_none(
    stores: Stores,
) -> None:
    stores.directory.add_user(SCOPE, UserRecord("ada", "user"), EVENT)
    told = []
    for kind in ((CODE,), (CODE, APP), (CODE, KEY), ()):
        stores.factors.replace_factors(SCOPE, "ada", tuple(FactorKind), kind, EVENT)
        user = stores.directory.user(SCOPE, "ada")
        assert user is not None
        told.append(user.has_second_factor)
    assert told == [False, True, True, False]


def test_replacing_leaves_other_kinds_and_other_people_alone(stores: Stores) -> None:
    bobs = replace(CODE, factor_id="f9", user="bob")
    for each in (APP, CODE, bobs):
        stores.factors.add_factor(SCOPE, each, EVENT)
    fresh = replace(CODE, factor_id="f4")
    stores.factors.replace_factors(SCOPE, "ada", [FactorKind.RECOVERY_CODE], [fresh], EVENT)
    assert stores.factors.factors(SCOPE, "ada") == (APP, fresh)
    assert stores.factors.factors(SCOPE, "bob") == (bobs,)


def test_of_many_requests_with_one_code_one_moves_the_counter(
    stores: Stores, another_process: Stores
) -> None:
    stores.factors.add_factor(SCOPE, APP, EVENT)

    def present(at: Stores) -> bool:
        return at.factors.advance(SCOPE, "f1", above=99, to=100, at=SEEN)

    assert once(present, stores, another_process) == [False] * 7 + [True]
    found = stores.factors.factor("f1")
    assert found is not None
    assert (found[1].counter, found[1].last_used_at) == (100, SEEN)


def test_a_counter_never_goes_back(stores: Stores) -> None:
    stores.factors.add_factor(SCOPE, KEY, EVENT)
    assert not stores.factors.advance(SCOPE, "f2", above=6, to=7, at=SEEN)
    assert not stores.factors.advance(SCOPE, "f2", above=4, to=5, at=SEEN)
    assert stores.factors.advance(SCOPE, "f2", above=7, to=8, at=SEEN)
    assert not stores.factors.advance(OTHER, "f2", above=9, to=10, at=SEEN)


def test_of_many_requests_with_one_recovery_code_one_spends_it(
    stores: Stores, another_process: Stores
) -> None:
    stores.factors.add_factor(SCOPE, CODE, EVENT)
    assert once(lambda at: at.factors.spend(SCOPE, "f3"), stores, another_process) == [False] * 7 + [True]
    assert stores.factors.factors(SCOPE, "ada") == ()


def test_only_recovery_codes_are_spent(stores: Stores) -> None:
    stores.factors.add_factor(SCOPE, APP, EVENT)
    assert not stores.factors.spend(SCOPE, "f1")
    assert stores.factors.factors(SCOPE, "ada") == (APP,)


def test_a_secret_is_sealed_anew_only_in_the_place_of_what_it_was(stores: Stores) -> None:
    stores.factors.add_factor(SCOPE, APP, EVENT)
    assert stores.factors.reseal(SCOPE, "f1", was=APP.secret, secret=b"new")
    assert not stores.factors.reseal(SCOPE, "f1", was=APP.secret, secret=b"newer")
    assert stores.factors.factors(SCOPE, "ada") == (replace(APP, secret=b"new"),)


SOON = SEEN + timedelta(minutes=5)


def test_a_challenge_is_taken_once_at_any_process(stores: Stores, another_process: Stores) -> None:
    number = stores.challenges.ask(SCOPE, "passkey", b"\x00what", expires_at=SOON)
    assert another_process.challenges.take(SCOPE, "passkey", number, SEEN) == b"\x00what"
    assert stores.challenges.take(SCOPE, "passkey", number, SEEN) is None


def test_of_many_answers_to_one_challenge_one_counts(stores: Stores, another_process: Stores) -> None:
    number = stores.challenges.ask(SCOPE, "passkey", b"what", expires_at=SOON)

    def answer(at: Stores) -> bool:
        return at.challenges.take(SCOPE, "passkey", number, SEEN) is not None

    assert once(answer, stores, another_process) == [False] * 7 + [True]


def test_a_challenge_is_worth_nothing_for_another_purpose_or_tenant_or_too_late(stores: Stores) -> None:
    number = stores.challenges.ask(SCOPE, "passkey", b"what", expires_at=SOON)
    assert stores.challenges.take(SCOPE, "saml", number, SEEN) is None
    assert stores.challenges.take(OTHER, "passkey", number, SEEN) is None
    assert stores.challenges.take(SCOPE, "passkey", "made up", SEEN) is None
    assert stores.challenges.take(SCOPE, "passkey", number, SOON) is None


def test_numbers_differ_and_expired_challenges_are_forgotten(stores: Stores) -> None:
    numbers = {stores.challenges.ask(SCOPE, "passkey", b"", expires_at=SOON) for _ in range(3)}
    later = stores.challenges.ask(SCOPE, "passkey", b"later", expires_at=SOON + timedelta(seconds=1))
    assert len(numbers) == 3
    assert stores.challenges.forget_challenges(SCOPE, SOON) == 3
    assert stores.challenges.take(SCOPE, "passkey", later, SOON) == b"later"
