import pytest


@pytest.fixture(autouse=True)
def names(run):
    for name in ("rad1", "list", "both"):
        run("user", "add", name, "--no-password")
    for title in ("CT1", "both"):
        run("device", "add", title, "--owner", "op")


def locked(run):
    return {(row["target"], row["name"]) for row in run("lock", "list", "--json").json}


def test_a_name_is_enough_to_lock_a_user_or_a_device(run):
    assert "rad1" in run("lock", "rad1", "--reason", "laptop stolen").out
    row = run("lock", "CT1", "--until", "2h", "--json").json
    assert (row["target"], row["until"], row["state"]) == ("device", "2026-03-01T11:00:00Z", "locked")
    assert locked(run) == {("user", "rad1"), ("device", "CT1")}
    assert "laptop stolen" in run("lock", "list").out
    assert run("unlock", "rad1").exit_code == 0
    assert locked(run) == {("device", "CT1")}
    assert run("unlock", "rad1").exit_code == 1


def test_what_is_both_is_asked_about(run):
    assert run("lock", "both").exit_code == 2
    assert run("lock", "both", "--device").exit_code == 0
    assert locked(run) == {("device", "both")}
    assert run("unlock", "both").exit_code == 0


def test_who_is_called_as_a_command_is_locked_with_the_whole_command(run):
    assert run("lock", "set", "list").exit_code == 0
    assert locked(run) == {("user", "list")}


def test_nobody_is_not_locked(run):
    assert run("lock", "nobody").exit_code == 1
    assert run("lock", "rad1", "--until", "2026-01-01").exit_code == 2
    assert locked(run) == set()


def test_a_lock_that_has_lapsed_is_listed_as_such(run, people):
    run("lock", "rad1", "--until", "2h")
    people.clock.advance(hours=3)
    assert [row["state"] for row in run("lock", "list", "--json").json] == ["lapsed"]


def test_who_was_removed_can_still_be_unlocked(run):
    run("lock", "rad1")
    run("user", "remove", "rad1")
    assert run("unlock", "rad1").exit_code == 0
