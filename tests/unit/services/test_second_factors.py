"""Second factors enrolled, proven and lost: what counts, once, and for whom.

Acceptance check M1 (by the use case; over HTTP: tests/e2e/test_second_factors.py).
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pacsgate.audit.events import EventKind, Outcome
from pacsgate.identity.sealing import add_sealing_key
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.model.resource import PLATFORM_TENANT, TenantScope
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, FailureKind
from pacsgate.ports.factor_proofs import Site
from pacsgate.ports.factors import FactorKind
from pacsgate.services.enrol_factor import AppOffer
from pacsgate.services.reseal_secrets import reseal_secrets
from pacsgate.stores.database import open_database
from pacsgate.stores.stores import stores_on
from tests.support.authenticator import SoftAuthenticator
from tests.support.factors import IDP, SITE, FactorDesk
from tests.support.people import PASSWORD, SCOPE, people_on

REFUSED = AuthenticationFailed(FailureKind.REFUSED)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two accounts, to be copied."""
    path = tmp_path_factory.mktemp("template") / "gate.sqlite"
    database = open_database(f"sqlite:///{path}")
    people = people_on(stores_on(database))
    for name in ("rad1", "rad2"):
        people.users.add(people.change(), name, password=PASSWORD)
    database.close()
    return path


@pytest.fixture
def desk(template: Path, tmp_path: Path) -> Iterator[FactorDesk]:
    shutil.copy(template, tmp_path / "gate.sqlite")
    database = open_database(f"sqlite:///{tmp_path / 'gate.sqlite'}")
    stores = stores_on(database)
    yield FactorDesk(people_on(stores), stores, tmp_path / "keys" / "secrets.key")
    database.close()


def causes(desk: FactorDesk) -> list[str]:
    events = (event for event in desk.people.trail.events if event.outcome is Outcome.SERIOUS)
    return [event.details["cause"] for event in events if "cause" in event.details]


# ------------------------------------------------------------------ codes of an app


def test_a_code_makes_two_factors_of_one(desk: FactorDesk) -> None:
    app, _ = desk.add_app()
    before = desk.by_password()
    assert before.owes_factor
    found = desk.prove.by_code(before, app.code(), desk.people.context())
    assert isinstance(found, Subject)
    assert (found.assurance_level, found.second_factor_at) == (2, desk.people.clock.now())
    assert found.methods >= {"otp", "mfa"}
    assert not found.owes_factor


def test_a_code_is_good_once_at_whichever_process(desk: FactorDesk) -> None:
    app, _ = desk.add_app()
    subject, code = desk.by_password(), app.code()
    assert isinstance(desk.prove.by_code(subject, code, desk.people.context()), Subject)
    assert desk.prove.by_code(subject, code, desk.people.context()) == REFUSED
    assert desk.new_process().by_code(subject, code, desk.people.context()) == REFUSED
    assert desk.prove.by_code(subject, app.code(steps=-1), desk.people.context()) == REFUSED
    assert isinstance(desk.prove.by_code(subject, app.code(steps=1), desk.people.context()), Subject)


def test_the_code_that_confirmed_the_app_signs_nobody_in(desk: FactorDesk) -> None:
    offer = desk.enrol.offer_app(desk.people.change(), "rad1")
    app, _ = desk.add_app()
    desk.people.clock.set_back(seconds=60)
    assert desk.prove.by_code(desk.by_password(), app.code(), desk.people.context()) == REFUSED
    assert offer.uri != app.offer.uri


def test_a_factor_counts_only_once_a_code_has_confirmed_it(desk: FactorDesk) -> None:
    offer = desk.enrol.offer_app(desk.people.change(), "rad1")
    again = desk.enrol.confirm_app(desk.people.change(), "rad1", offer.number, "000000", "")
    assert isinstance(again, AppOffer)
    assert (again.typed, again.number != offer.number) == (offer.typed, True)
    assert desk.enrol.factors(SCOPE, "rad1") == ()
    assert not desk.by_password().owes_factor


def test_nobody_confirms_the_offer_of_somebody_else(desk: FactorDesk) -> None:
    offer = desk.enrol.offer_app(desk.people.change(), "rad1")
    with pytest.raises(RequestError):
        desk.enrol.confirm_app(desk.people.change(), "rad2", offer.number, "000000", "")


def test_the_code_of_somebody_else_proves_nothing(desk: FactorDesk) -> None:
    app, _ = desk.add_app("rad1")
    desk.add_app("rad2")
    code = app.code()
    assert desk.prove.by_code(desk.by_password("rad2"), code, desk.people.context()) == REFUSED


def test_guessing_codes_locks_even_for_the_right_one_and_leaves_the_password_alone(desk: FactorDesk) -> None:
    app, _ = desk.add_app()
    subject = desk.by_password()
    for _ in range(5):
        assert desk.prove.by_code(subject, "000000", desk.people.context()) == REFUSED
    for code in (app.code(), "000000"):
        locked = desk.prove.by_code(subject, code, desk.people.context())
        assert isinstance(locked, AuthenticationFailed)
        assert (locked.kind, locked.retry_after_seconds) == (FailureKind.LOCKED_OUT, 60)
    assert len(desk.people.trail.of(EventKind.LOCKED_OUT)) == 1
    assert isinstance(desk.by_password(), Subject)
    desk.people.clock.advance(seconds=61)
    assert isinstance(desk.prove.by_code(subject, app.code(), desk.people.context()), Subject)


def test_every_outcome_is_on_record_and_no_code_is(desk: FactorDesk) -> None:
    app, enrolled = desk.add_app()
    subject = desk.by_password()
    desk.people.trail.events.clear()
    right = app.code()
    desk.prove.by_code(subject, "123450", desk.people.context())
    desk.prove.by_code(subject, right, desk.people.context())
    wrong, well = desk.people.trail.events
    assert (wrong.kind, wrong.outcome, wrong.details["cause"]) == (
        EventKind.SIGN_IN,
        Outcome.SERIOUS,
        "wrong-code",
    )
    assert (well.kind, well.outcome, well.details["level"]) == (EventKind.SIGN_IN, Outcome.SUCCESS, "2")
    told = repr(desk.people.trail.events)
    assert right not in told
    assert "123450" not in told
    assert not any(code in told for code in enrolled.recovery_codes)


# ------------------------------------------------------------------ codes on paper


def test_a_recovery_code_is_good_once_however_it_is_typed(desk: FactorDesk) -> None:
    _, enrolled = desk.add_app()
    subject = desk.by_password()
    first, second, *others = enrolled.recovery_codes
    assert len(others) == 8
    assert isinstance(desk.prove.by_code(subject, first, desk.people.context()), Subject)
    assert desk.new_process().by_code(subject, first, desk.people.context()) == REFUSED
    typed = second.upper().replace("-", " ")
    assert isinstance(desk.prove.by_code(subject, typed, desk.people.context()), Subject)


def test_new_recovery_codes_take_the_place_of_the_old_ones(desk: FactorDesk) -> None:
    _, enrolled = desk.add_app()
    fresh = desk.enrol.new_recovery_codes(desk.people.change(), "rad1")
    subject = desk.by_password()
    assert desk.prove.by_code(subject, enrolled.recovery_codes[0], desk.people.context()) == REFUSED
    assert isinstance(desk.prove.by_code(subject, fresh[0], desk.people.context()), Subject)


def test_recovery_codes_are_for_people_with_a_factor(desk: FactorDesk) -> None:
    with pytest.raises(ConflictError):
        desk.enrol.new_recovery_codes(desk.people.change(), "rad1")


# ------------------------------------------------------------------ passkeys


def shown(
    desk: FactorDesk, key: object, subject: Subject | None, **wrong: object
) -> Subject | AuthenticationFailed:
    asked = desk.prove.ask_passkey(subject, SITE, desk.people.context())
    return desk.prove.by_passkey(
        subject, SITE, asked.number, key.use(asked.options, **wrong), desk.people.context()
    )


@pytest.mark.parametrize(
    ("verifies_user", "is_synced", "level", "methods"),
    [
        (True, False, 3, {"hwk", "user"}),
        (True, True, 2, {"swk", "user"}),
        (False, False, 2, {"hwk"}),
    ],
)
def test_m2_what_a_key_proves_is_what_it_did(
    desk: FactorDesk, *, verifies_user: bool, is_synced: bool, level: int, methods: set[str]
) -> None:
    key = desk.add_key(verifies_user=verifies_user, is_synced=is_synced)
    found = shown(desk, key, desk.by_password())
    assert isinstance(found, Subject)
    assert found.assurance_level == level
    assert found.methods >= methods
    assert ("user" in found.methods) is verifies_user


def test_a_passkey_that_looks_who_holds_it_signs_in_by_itself(desk: FactorDesk) -> None:
    found = shown(desk, desk.add_key(), None)
    assert isinstance(found, Subject)
    assert (found.name, found.credential, found.assurance_level) == ("rad1", Credential.PASSKEY, 3)


def test_a_passkey_that_names_another_account_than_its_own_is_refused(desk: FactorDesk) -> None:
    """WebAuthn Level 3, 7.2, step 6."""
    key, other = desk.add_key(), desk.add_key("rad2")
    for subject in (None, desk.by_password()):
        assert shown(desk, key, subject, user_handle=other.user_handle) == REFUSED
        assert causes(desk)[-1] == "passkey-of-somebody-else"
    assert isinstance(shown(desk, key, desk.by_password(), user_handle=""), Subject)


def test_a_key_that_does_not_signs_nobody_in_by_itself(desk: FactorDesk) -> None:
    assert shown(desk, desk.add_key(verifies_user=False), None) == REFUSED


def test_a_disabled_account_has_no_passkey_that_signs_in(desk: FactorDesk) -> None:
    key = desk.add_key()
    desk.people.users.set_disabled(desk.people.change(), "rad1", disabled=True)
    assert shown(desk, key, None) == REFUSED


def test_a_key_that_was_made_on_the_word_of_a_source_gets_nobody_round_it(desk: FactorDesk) -> None:
    """Else a source that may give few roles, or has let somebody go, would be escaped by a passkey."""
    key = desk.add_key(source=IDP)
    assert shown(desk, key, None) == REFUSED
    assert causes(desk)[-1] == "passkey-of-identity-source"
    beside_a_password = shown(desk, key, desk.by_password())
    assert isinstance(beside_a_password, Subject)
    assert beside_a_password.assurance_level == 3


@pytest.mark.parametrize(("keeps", "lets_in"), [(IDP, False), ("hr", True)])
def test_nor_does_any_key_of_an_account_that_signs_in_at_a_source(
    desk: FactorDesk, keeps: str, *, lets_in: bool
) -> None:
    directory, change = desk.people.directory, desk.people.change()
    account = directory.user(SCOPE, "rad1")
    assert account is not None
    event = change.event(EventKind.USER_CHANGED, "told by source", "rad1")
    directory.change_user(SCOPE, replace(account, source=keeps), event)
    found = shown(desk, desk.add_key(), None)
    assert isinstance(found, Subject) is lets_in
    if isinstance(found, Subject):  # the gate has verified it: no source that could be taken away
        assert found.source == ""


def test_a_key_alone_lets_its_owner_into_the_tenant_that_it_is_of(desk: FactorDesk) -> None:
    elsewhere = TenantScope(PLATFORM_TENANT)
    change = replace(desk.people.change(), scope=elsewhere)
    desk.people.users.add(change, "rad1", password=PASSWORD)  # beside the one of `default`
    key = SoftAuthenticator(SITE.origin, SITE.rp_id)
    offered = desk.enrol.offer_passkey(change, "rad1", SITE)
    made = key.make(offered.options)
    desk.enrol.confirm_passkey(change, "rad1", SITE, offered.number, made, "key", source="")
    found = shown(desk, key, None)
    assert isinstance(found, Subject)
    assert (found.tenant, found.name) == (PLATFORM_TENANT, "rad1")
    assert shown(desk, key, desk.by_password("rad1")) == REFUSED


def test_the_key_of_somebody_else_is_no_second_factor(desk: FactorDesk) -> None:
    key = desk.add_key("rad2")
    desk.add_key("rad1")
    assert shown(desk, key, desk.by_password("rad1")) == REFUSED
    assert causes(desk)[-1] == "passkey-of-somebody-else"


def test_a_challenge_is_answered_once_by_whom_it_was_put_to_and_in_time(desk: FactorDesk) -> None:
    key, subject = desk.add_key(), desk.by_password()
    asked = desk.prove.ask_passkey(subject, SITE, desk.people.context())
    answer = key.use(asked.options)
    assert desk.prove.by_passkey(None, SITE, asked.number, answer, desk.people.context()) == REFUSED
    asked = desk.prove.ask_passkey(subject, SITE, desk.people.context())
    answer = key.use(asked.options)
    first = desk.prove.by_passkey(subject, SITE, asked.number, answer, desk.people.context())
    again = desk.prove.by_passkey(subject, SITE, asked.number, answer, desk.people.context())
    assert isinstance(first, Subject)
    assert again == REFUSED
    late = desk.prove.ask_passkey(subject, SITE, desk.people.context())
    desk.people.clock.advance(seconds=301)
    assert (
        desk.prove.by_passkey(subject, SITE, late.number, key.use(late.options), desk.people.context())
        == REFUSED
    )


def test_a_counter_that_goes_back_is_refused_and_told(desk: FactorDesk) -> None:
    key, subject = desk.add_key(), desk.by_password()
    assert isinstance(shown(desk, key, subject), Subject)
    assert shown(desk, key, subject, counter=1) == REFUSED
    assert causes(desk)[-1] == "passkey-counter-went-back"


def test_a_key_that_does_not_count_is_good_again_and_again(desk: FactorDesk) -> None:
    key, subject = desk.add_key(), desk.by_password()
    key.counts = False
    assert all(isinstance(shown(desk, key, subject), Subject) for _ in range(3))


def test_a_key_answers_to_the_site_it_was_made_at_alone(desk: FactorDesk) -> None:
    key, subject = desk.add_key(), desk.by_password()
    elsewhere = Site("evil.example", "https://evil.example")
    asked = desk.prove.ask_passkey(subject, elsewhere, desk.people.context())
    answer = key.use(asked.options)
    assert desk.prove.by_passkey(subject, elsewhere, asked.number, answer, desk.people.context()) == REFUSED


# ------------------------------------------------------------------ losing them


def test_with_the_last_factor_its_recovery_codes_go(desk: FactorDesk) -> None:
    _, enrolled = desk.add_app()
    key = desk.add_key()
    desk.enrol.remove(desk.people.change(), "rad1", enrolled.factor.factor_id)
    assert desk.by_password().owes_factor
    desk.enrol.remove(desk.people.change(), "rad1", key.name)
    assert desk.enrol.factors(SCOPE, "rad1") == ()
    assert not desk.by_password().owes_factor


def test_an_administrator_takes_all_away_on_record(desk: FactorDesk) -> None:
    desk.add_app()
    desk.add_key()
    desk.people.trail.events.clear()
    assert desk.enrol.remove_all(desk.people.change(), "rad1") == 2
    (told,) = desk.people.trail.events
    assert (told.kind, told.details["change"], told.details["target"]) == (
        EventKind.USER_CHANGED,
        "second factors removed",
        "rad1",
    )


def test_nobody_removes_the_factor_of_somebody_else(desk: FactorDesk) -> None:
    _, enrolled = desk.add_app("rad2")
    with pytest.raises(NotFoundError):
        desk.enrol.remove(desk.people.change(), "rad1", enrolled.factor.factor_id)


# ------------------------------------------------------------------ secrets at rest


def everything_stored(desk: FactorDesk) -> bytes:
    return b"".join(path.read_bytes() for path in desk.key_file.parent.parent.glob("gate.sqlite*"))


def test_the_database_holds_no_seed_and_no_code(desk: FactorDesk) -> None:
    app, enrolled = desk.add_app()
    desk.enrol.offer_app(desk.people.change(), "rad2")
    stored = everything_stored(desk)
    typed = app.offer.typed.replace(" ", "")
    assert typed.encode() not in stored
    assert app.people is desk.people
    for factor in desk.enrol.factors(SCOPE, "rad1"):
        if factor.kind is FactorKind.TOTP:
            seed = desk.kept.sealer.open(factor.secret, f"totp:default:rad1:{factor.factor_id}")
            assert seed not in stored
    for code in enrolled.recovery_codes:
        assert code.encode() not in stored
        assert code.replace("-", "").encode() not in stored


def test_a_sealed_seed_moved_to_another_account_opens_nothing(desk: FactorDesk) -> None:
    app, enrolled = desk.add_app("rad1")
    _, other = desk.add_app("rad2")
    moved = enrolled.factor.secret
    assert desk.stores.factors.reseal(SCOPE, other.factor.factor_id, was=other.factor.secret, secret=moved)
    found = desk.prove.by_code(desk.by_password("rad2"), app.code(), desk.people.context())
    assert found == AuthenticationFailed(FailureKind.UNAVAILABLE)


def test_after_two_rotations_the_first_key_opens_nothing_and_codes_still_work(desk: FactorDesk) -> None:
    app, _ = desk.add_app()
    first = desk.key_file.read_bytes()
    for _ in range(2):
        add_sealing_key(desk.key_file)
        assert reseal_secrets(desk.kept, SCOPE).sealed == 1
    assert first.strip() not in desk.key_file.read_bytes()
    assert isinstance(desk.prove.by_code(desk.by_password(), app.code(), desk.people.context()), Subject)


def test_without_its_key_a_code_is_refused_as_unavailable_and_a_recovery_code_works(desk: FactorDesk) -> None:
    app, enrolled = desk.add_app()
    subject = desk.by_password()
    desk.key_file.unlink()
    add_sealing_key(desk.key_file)
    unavailable = desk.prove.by_code(subject, app.code(), desk.people.context())
    assert unavailable == AuthenticationFailed(FailureKind.UNAVAILABLE)
    assert causes(desk)[-1] == "secret-cannot-be-opened"
    assert reseal_secrets(desk.kept, SCOPE).lost == 1
    assert isinstance(desk.prove.by_code(subject, enrolled.recovery_codes[0], desk.people.context()), Subject)
