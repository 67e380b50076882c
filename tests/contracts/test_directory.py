"""What every `ports.Directory` promises, whatever is underneath."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pacsgate.audit.canonical import decode_event
from pacsgate.model.actions import Action
from pacsgate.model.errors import ConflictError, NotFoundError
from pacsgate.model.grant import Grant, GranteeKind, GrantTarget
from pacsgate.model.permission import Permission
from pacsgate.model.resource import DEFAULT_TENANT, PLATFORM_TENANT, ArchiveName, TenantName, TenantScope
from pacsgate.model.role import Assignment, AssignmentScope, Role
from pacsgate.ports import Directory, SessionRecord, TokenRecord, UserRecord
from pacsgate.stores.stores import Stores
from tests.support.events import READ, numbered
from tests.support.indexing import SCOPE

OTHER = TenantScope(TenantName("other"))
NOW = datetime(2026, 3, 10, 9, 30, 0, 123457, tzinfo=UTC)
LATER = NOW + timedelta(hours=12)

ANN = UserRecord(
    name="ann",
    kind="user",
    display_name="Ann \u5c71",
    password_hash="$argon2id$v=19$made-up",
    groups=frozenset({"radiology", "teaching"}),
    attributes={"clearance": frozenset({3}), "sites": frozenset({"A", "B"}), "trusted": frozenset({True})},
    assignments=(
        Assignment("radiologist", AssignmentScope(ArchiveName("main"), "TEACH"), NOW, LATER),
        Assignment("auditor"),
    ),
    created_at=NOW,
)
TOKEN = TokenRecord("abc", "ann", b"\x01" * 32, "viewer", frozenset({Action.VIEW}), NOW, LATER)
SESSION = SessionRecord(b"\x02" * 32, "ann", NOW, NOW, LATER, "csrf")
GRANT = Grant(
    "g1", GranteeKind.USER, "ann", GrantTarget.PATIENT, "site|P1", frozenset({Action.VIEW}), "bob", NOW, LATER
)
ROLE = Role(
    "radiologist",
    frozenset({Action.VIEW}),
    frozenset({Permission.AUDIT_READ}),
    "chief",
    "reads images",
    frozenset({"reader", "resident"}),
    "director",
    date(2026, 10, 1),
    "standard@B",
)


@pytest.fixture
def directory(stores: Stores) -> Directory:
    return stores.directory


# ------------------------------------------------------------------ users


def test_a_user_comes_back_as_it_was_given(directory: Directory) -> None:
    directory.add_user(SCOPE, ANN, READ)
    assert directory.user(SCOPE, "ann") == ANN
    assert directory.users(SCOPE) == (ANN,)


def test_a_change_that_is_made_of_a_state_is_made_of_no_other(directory: Directory) -> None:
    """The check reads within the very transaction, of the tenant that is meant, and before anything is written."""
    directory.add_user(SCOPE, ANN, READ)
    stood: list[UserRecord | None] = []

    def is_as_read() -> None:
        stood.append(directory.user(SCOPE, "ann"))
        if stood[-1] != ANN:
            raise ConflictError("it is otherwise")

    renamed = replace(ANN, display_name="Ann")
    for _ in range(2):
        with directory.provided(is_as_read):
            try:
                directory.change_user(SCOPE, renamed, READ, before=ANN)
            except ConflictError:
                break
            directory.change_user(SCOPE, replace(renamed, groups=frozenset()), READ, before=renamed)
    assert stood == [ANN, replace(renamed, groups=frozenset())]
    assert directory.user(SCOPE, "ann") == stood[-1]
    directory.change_user(SCOPE, ANN, READ, before=renamed)
    assert len(stood) == 2, "once, and for that thread no longer than it was asked for"


def test_who_is_not_there_is_none(directory: Directory) -> None:
    assert directory.user(SCOPE, "ann") is None
    assert directory.token("abc") is None
    assert directory.session(b"\x02" * 32) is None
    assert directory.failures(SCOPE, "ann") == (0, None)
    assert directory.setup_code_sha256(SCOPE, NOW) is None


def test_a_name_is_one_account_of_its_tenant_and_nobody_of_another(directory: Directory) -> None:
    directory.add_user(SCOPE, ANN, READ)
    with pytest.raises(ConflictError):
        directory.add_user(SCOPE, ANN, READ)
    assert directory.user(OTHER, "ann") is None
    namesake = replace(ANN, display_name="Another Ann")
    directory.add_user(OTHER, namesake, READ)
    assert (directory.user(SCOPE, "ann"), directory.user(OTHER, "ann")) == (ANN, namesake)


def test_a_stated_name_is_looked_up_in_its_tenant_and_one_of_no_tenant_nowhere(directory: Directory) -> None:
    default = TenantScope(DEFAULT_TENANT)
    assert directory.stated("ann") == directory.stated("default/ann") == (default, "ann")
    assert directory.stated("platform/ops") == (TenantScope(PLATFORM_TENANT), "ops")
    for name in ("nowhere/ann", "/ann", "*/ann", "a'b/ann", "north/x/ann", "\u00e4/ann", "a\0/ann"):
        assert directory.stated(name) == (default, name)


def test_a_change_replaces_everything_but_the_history(directory: Directory) -> None:
    directory.add_user(SCOPE, ANN, READ)
    directory.note_sign_in(SCOPE, "ann", LATER)
    changed = replace(
        ANN,
        disabled=True,
        password_hash=None,
        groups=frozenset(),
        attributes={},
        assignments=(Assignment("student"),),
    )
    directory.change_user(SCOPE, replace(changed, created_at=None, last_sign_in_at=None), READ)
    assert directory.user(SCOPE, "ann") == replace(changed, created_at=NOW, last_sign_in_at=LATER)


def test_a_change_from_what_was_read_undoes_nothing_that_happened_since(directory: Directory) -> None:
    directory.add_user(SCOPE, ANN, READ)
    read = directory.user(SCOPE, "ann")
    assert read is not None
    directory.change_user(SCOPE, replace(read, disabled=True, assignments=()), READ, before=read)
    directory.change_user(SCOPE, replace(read, groups=frozenset({"moved"})), READ, before=read)
    directory.change_user(SCOPE, read, READ, before=read)
    assert directory.user(SCOPE, "ann") == replace(
        read, disabled=True, assignments=(), groups=frozenset({"moved"})
    )


def test_only_who_is_there_can_be_changed_or_removed(directory: Directory) -> None:
    directory.add_user(SCOPE, ANN, READ)
    for scope, name in ((OTHER, "ann"), (SCOPE, "bob")):
        with pytest.raises(NotFoundError):
            directory.change_user(scope, replace(ANN, name=name), READ)
        with pytest.raises(NotFoundError):
            directory.remove_user(scope, name, READ)


def test_who_gets_a_name_later_inherits_nothing(directory: Directory) -> None:
    directory.add_user(SCOPE, ANN, READ)
    directory.add_token(SCOPE, TOKEN, READ)
    directory.add_session(SCOPE, SESSION)
    directory.add_grant(SCOPE, GRANT, READ)
    directory.add_grant(SCOPE, replace(GRANT, grant_id="g2", grantee_kind=GranteeKind.GROUP), READ)
    directory.note_failure(SCOPE, "ann", 4, NOW, LATER)
    directory.remove_user(SCOPE, "ann", READ)
    directory.add_user(SCOPE, UserRecord("ann", "user"), READ)
    assert directory.user(SCOPE, "ann") == UserRecord("ann", "user")
    assert directory.token("abc") is None
    assert directory.session(SESSION.cookie_sha256) is None
    assert [grant.grant_id for grant in directory.grants(SCOPE)] == ["g2"]
    assert directory.failures(SCOPE, "ann") == (0, None)


# ------------------------------------------------------------------ roles


def test_a_role_comes_back_as_it_was_given(directory: Directory) -> None:
    directory.add_role(SCOPE, ROLE, READ)
    assert directory.roles(SCOPE) == (ROLE,)
    assert directory.roles(OTHER) == ()
    with pytest.raises(ConflictError):
        directory.add_role(SCOPE, ROLE, READ)
    directory.remove_role(SCOPE, "radiologist", READ)
    assert directory.roles(SCOPE) == ()
    with pytest.raises(NotFoundError):
        directory.remove_role(SCOPE, "radiologist", READ)


def test_a_role_is_replaced_as_a_whole(directory: Directory) -> None:
    directory.add_role(SCOPE, ROLE, READ)
    changed = Role("radiologist", may=frozenset({Action.SEARCH}))
    directory.change_role(SCOPE, changed, READ)
    assert directory.roles(SCOPE) == (changed,)
    for scope, role in ((OTHER, changed), (SCOPE, Role("nobody"))):
        with pytest.raises(NotFoundError):
            directory.change_role(scope, role, READ)


def test_a_role_that_somebody_has_stays(directory: Directory) -> None:
    directory.add_role(SCOPE, ROLE, READ)
    directory.add_user(SCOPE, ANN, READ)
    with pytest.raises(ConflictError, match="`ann`"):
        directory.remove_role(SCOPE, "radiologist", READ)
    assert directory.roles(SCOPE) == (ROLE,)


# ------------------------------------------------------------------ tokens, sessions


def test_a_token_is_found_by_its_id_with_its_tenant(directory: Directory) -> None:
    directory.add_token(SCOPE, TOKEN, READ)
    everything = replace(TOKEN, token_id="def", user="bob", actions=None)
    directory.add_token(SCOPE, everything, READ)
    assert directory.token("abc") == (SCOPE.tenant, TOKEN)
    assert directory.tokens(SCOPE) == (TOKEN, everything)
    assert directory.tokens(SCOPE, "bob") == (everything,)
    assert directory.tokens(OTHER) == ()
    with pytest.raises(ConflictError):
        directory.add_token(OTHER, TOKEN, READ)


def test_a_token_without_actions_is_not_one_with_all(directory: Directory) -> None:
    directory.add_token(SCOPE, replace(TOKEN, actions=frozenset()), READ)
    found = directory.token("abc")
    assert found
    assert found[1].actions == frozenset()


def test_a_token_is_revoked_once_and_in_its_tenant_only(directory: Directory) -> None:
    directory.add_token(SCOPE, TOKEN, READ)
    with pytest.raises(NotFoundError):
        directory.revoke_token(OTHER, "abc", NOW, READ)
    directory.revoke_token(SCOPE, "abc", NOW, READ)
    directory.revoke_token(SCOPE, "abc", LATER, READ)
    directory.note_token_use(SCOPE, "abc", LATER)
    assert directory.token("abc") == (SCOPE.tenant, replace(TOKEN, revoked_at=NOW, last_used_at=LATER))


def test_sessions_end_one_by_one_or_all_of_a_user(directory: Directory) -> None:
    another = replace(SESSION, cookie_sha256=b"\x03" * 32)
    directory.add_session(SCOPE, SESSION)
    directory.add_session(SCOPE, another)
    directory.touch_session(SCOPE, SESSION.cookie_sha256, LATER)
    assert directory.session(SESSION.cookie_sha256) == (SCOPE.tenant, replace(SESSION, last_seen_at=LATER))
    directory.end_session(OTHER, SESSION.cookie_sha256)
    assert directory.session(SESSION.cookie_sha256)
    directory.end_session(SCOPE, SESSION.cookie_sha256)
    assert directory.session(SESSION.cookie_sha256) is None
    assert directory.end_sessions_of(SCOPE, "ann") == 1
    assert directory.session(another.cookie_sha256) is None


def test_sessions_are_listed_by_what_is_asked_for_and_only_in_their_tenant(directory: Directory) -> None:
    later = replace(SESSION, cookie_sha256=b"\x03" * 32, created_at=LATER, source="idp", source_session="s1")
    elses = replace(later, cookie_sha256=b"\x04" * 32, user="bob")
    for session in (later, SESSION, elses):
        directory.add_session(SCOPE, session)
    assert directory.sessions(SCOPE, user="ann") == (SESSION, later)
    assert set(directory.sessions(SCOPE, source="idp", source_session="s1")) == {later, elses}
    assert directory.sessions(SCOPE, user="bob", source="idp") == (elses,)
    assert directory.sessions(OTHER) == ()


def test_a_session_is_replaced_once(stores: Stores) -> None:
    directory = stores.directory
    stronger = replace(SESSION, cookie_sha256=b"\x03" * 32, assurance_level=2, methods=frozenset({"otp"}))
    directory.add_session(SCOPE, SESSION)
    before = stores.epochs.current().users
    assert not directory.replace_session(OTHER, SESSION.cookie_sha256, stronger)
    assert directory.replace_session(SCOPE, SESSION.cookie_sha256, stronger)
    assert not directory.replace_session(SCOPE, SESSION.cookie_sha256, stronger)
    assert directory.sessions(SCOPE) == (stronger,)
    assert stores.epochs.current().users > before
    directory.weaken_session(SCOPE, stronger.cookie_sha256)
    (weak,) = directory.sessions(SCOPE)
    assert (weak.assurance_level, weak.methods, weak.second_factor_at) == (1, frozenset(), None)


def test_a_password_is_used_up_once_with_its_event(stores: Stores) -> None:
    directory = stores.directory
    directory.add_user(SCOPE, replace(ANN, password_hash="sealed"), READ)
    stores.outbox.delivered([row for row, _ in stores.outbox.pending()])
    assert not directory.use_up_password(SCOPE, ANN.name, "another", numbered(1))
    assert not directory.use_up_password(OTHER, ANN.name, "sealed", numbered(1))
    assert not stores.outbox.pending()
    assert directory.use_up_password(SCOPE, ANN.name, "sealed", numbered(2))
    assert not directory.use_up_password(SCOPE, ANN.name, "sealed", numbered(3))
    ((_, event),) = stores.outbox.pending()
    assert decode_event(event) == numbered(2)
    found = directory.user(SCOPE, ANN.name)
    assert found is not None
    assert found.password_hash is None


def test_a_place_is_new_until_somebody_has_been_there_lately(stores: Stores) -> None:
    minute = timedelta(minutes=1)

    def sighted(place: str, at: datetime, user: str = "ann") -> frozenset[str]:
        return stores.sightings.sighted(SCOPE, user, place, at, since=at - 5 * minute)

    assert sighted("here", NOW) == frozenset()
    assert sighted("there", NOW + minute) == {"here"}
    assert sighted("there", NOW + 2 * minute) == frozenset()
    assert sighted("here", NOW + 3 * minute) == frozenset()
    assert sighted("elsewhere", NOW + 9 * minute) == frozenset()
    assert sighted("elsewhere", NOW + 9 * minute, user="bob") == frozenset()
    assert stores.sightings.forget_sightings(SCOPE, NOW + 4 * minute) == 2


# ------------------------------------------------------------------ grants, lockouts, set-up


def test_a_grant_comes_back_as_it_was_given(directory: Directory) -> None:
    forever = replace(GRANT, grant_id="g2", expires=None)
    directory.add_grant(SCOPE, GRANT, READ)
    directory.add_grant(SCOPE, forever, READ)
    assert directory.grants(SCOPE) == (GRANT, forever)
    assert directory.grants(OTHER) == ()
    with pytest.raises(ConflictError):
        directory.add_grant(SCOPE, GRANT, READ)
    with pytest.raises(NotFoundError):
        directory.revoke_grant(OTHER, "g1", READ)
    directory.revoke_grant(SCOPE, "g1", READ)
    assert directory.grants(SCOPE) == (forever,)


def test_failures_are_counted_for_any_claimed_name(directory: Directory) -> None:
    for name in ("nobody", "no\0body", "\ud800"):
        directory.note_failure(SCOPE, name, 1, NOW, None)
        directory.note_failure(SCOPE, name, 5, NOW, LATER)
        assert directory.failures(SCOPE, name) == (5, LATER)
        directory.clear_failures(SCOPE, name)
        assert directory.failures(SCOPE, name) == (0, None)


def test_failures_are_swept_that_are_older_than_that_and_lock_nobody(directory: Directory) -> None:
    minute = timedelta(minutes=1)
    for name, at, locked_until in (
        ("long ago", NOW - minute, None),
        ("ended", NOW - 2 * minute, NOW - minute),
        ("just now", NOW, None),
        ("still locked", NOW - minute, NOW),
    ):
        directory.note_failure(SCOPE, name, 3, at, locked_until)
        directory.note_failure(OTHER, name, 3, at, locked_until)
    assert directory.forget_failures(SCOPE, NOW) == 2
    kept = {
        name
        for name in ("long ago", "ended", "just now", "still locked")
        if directory.failures(SCOPE, name)[0]
    }
    assert kept == {"just now", "still locked"}
    assert directory.failures(OTHER, "long ago") == (3, None)


def test_sessions_are_swept_that_time_has_ended(directory: Directory) -> None:
    directory.add_user(SCOPE, ANN, READ)
    idle = replace(SESSION, cookie_sha256=b"\x03" * 32, last_seen_at=NOW - timedelta(seconds=1801))
    over = replace(SESSION, cookie_sha256=b"\x04" * 32, expires_at=NOW)
    for session in (SESSION, idle, over):
        directory.add_session(SCOPE, session)
    assert directory.forget_sessions(OTHER, now=NOW) == 0
    assert directory.forget_sessions(SCOPE, now=NOW) == 2
    assert directory.session(SESSION.cookie_sha256) == (SCOPE.tenant, SESSION)
    assert directory.session(idle.cookie_sha256) is None
    assert directory.session(over.cookie_sha256) is None


def test_the_setup_code_is_replaced_ends_and_is_forgotten(directory: Directory) -> None:
    directory.set_setup_code(SCOPE, b"\x01" * 32, LATER)
    directory.set_setup_code(SCOPE, b"\x02" * 32, LATER)
    assert directory.setup_code_sha256(SCOPE, NOW) == b"\x02" * 32
    assert directory.setup_code_sha256(SCOPE, LATER) is None
    directory.forget_setup_code(SCOPE)
    assert directory.setup_code_sha256(SCOPE, NOW) is None


# ------------------------------------------------------------------ with every change, its epoch and its event


def test_each_change_moves_its_epoch_and_leaves_its_event(stores: Stores) -> None:
    people = stores.directory
    people.add_user(SCOPE, ANN, READ)
    changes = [
        ("users", lambda event: people.change_user(SCOPE, replace(ANN, assignments=()), event)),
        ("users", lambda event: people.add_role(SCOPE, ROLE, event)),
        ("users", lambda event: people.change_role(SCOPE, replace(ROLE, owner=None), event)),
        ("users", lambda event: people.remove_role(SCOPE, "radiologist", event)),
        ("users", lambda event: people.add_token(SCOPE, TOKEN, event)),
        ("users", lambda event: people.revoke_token(SCOPE, "abc", NOW, event)),
        ("grants", lambda event: people.add_grant(SCOPE, GRANT, event)),
        ("grants", lambda event: people.revoke_grant(SCOPE, "g1", event)),
        ("users", lambda event: people.remove_user(SCOPE, "ann", event)),
    ]
    for number, (topic, change) in enumerate(changes):
        stores.outbox.delivered([row for row, _ in stores.outbox.pending()])
        before = stores.epochs.current()
        change(numbered(number))
        assert getattr(stores.epochs.current(), topic) == getattr(before, topic) + 1
        ((_, event),) = stores.outbox.pending()
        assert decode_event(event) == numbered(number)


def test_a_change_that_is_refused_leaves_neither(stores: Stores) -> None:
    stores.directory.add_user(SCOPE, ANN, READ)
    stores.directory.add_role(SCOPE, ROLE, READ)
    before, pending = stores.epochs.current(), stores.outbox.pending()
    for refused in (
        lambda: stores.directory.add_user(SCOPE, ANN, READ),
        lambda: stores.directory.remove_user(SCOPE, "bob", READ),
        lambda: stores.directory.remove_role(SCOPE, "radiologist", READ),
        lambda: stores.directory.revoke_grant(SCOPE, "g1", READ),
    ):
        with pytest.raises((ConflictError, NotFoundError)):
            refused()
    assert (stores.epochs.current(), stores.outbox.pending()) == (before, pending)
    assert stores.directory.user(SCOPE, "ann") == ANN


def test_an_ended_session_moves_the_epoch(stores: Stores) -> None:
    stores.directory.add_session(SCOPE, SESSION)
    before = stores.epochs.current().users
    stores.directory.end_session(SCOPE, SESSION.cookie_sha256)
    assert stores.epochs.current().users > before
