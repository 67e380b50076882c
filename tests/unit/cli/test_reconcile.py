import pytest

HEADER = "id,name,groups,attribute:department\n"
STAFF = [f"p{number},staff{number},radiology,RAD\n" for number in range(5)]


@pytest.fixture
def listed(tmp_path):
    def write(rows):
        path = tmp_path / "hr.csv"
        path.write_text(HEADER + "".join(rows))
        return str(path)

    return write


@pytest.fixture(autouse=True)
def synced(run, listed):
    assert run("user", "sync", listed(STAFF), "--source", "hr").exit_code == 0


def enabled(run):
    return {row["name"] for row in run("user", "list", "--json").json if not row["disabled"]}


def test_a_dry_run_prints_the_plan_and_changes_nothing(run, listed, people):
    before = people.directory.users(people.change().scope)
    path = listed([STAFF[0].replace("radiology", "cardiology"), *STAFF[2:], "p9,staff9,,\n"])
    found = run("user", "sync", path, "--source", "hr", "--dry-run", "--json").json
    told = {step["name"]: step["change"] for step in found["steps"]}
    assert told == {"staff9": "join", "staff0": "move", "staff1": "leave"}
    assert people.directory.users(people.change().scope) == before
    assert run("user", "sync", path, "--source", "hr").exit_code == 0
    assert enabled(run) == {"staff0", "staff2", "staff3", "staff4", "staff9"}


def test_a_list_cut_short_is_refused_without_force(run, listed):
    path = listed(STAFF[:2])
    assert "--force" in run("user", "sync", path, "--source", "hr", "--dry-run").out
    refused = run("user", "sync", path, "--source", "hr")
    assert (refused.exit_code, len(enabled(run))) == (1, 5)
    assert "--force" in refused.err
    assert run("user", "sync", path, "--source", "hr", "--force").exit_code == 0
    assert enabled(run) == {"staff0", "staff1"}


def test_drift_and_orphans_say_no_by_their_exit_code(run, listed):
    assert run("report", "drift", listed(STAFF), "--source", "hr").exit_code == 0
    assert run("report", "drift", listed(STAFF[1:]), "--source", "hr").exit_code == 1
    assert run("report", "orphans").exit_code == 0
    run("user", "add", "rad1", "--no-password")
    found = run("report", "orphans")
    assert found.exit_code == 1
    assert "rad1" in found.out


def test_what_cannot_be_done_is_said_and_the_rest_is_done(run, listed):
    run("user", "add", "rad1", "--no-password")
    path = listed([*STAFF, "p8,rad1,administrators,\n", "p9,staff9,,\n"])
    done = run("user", "sync", path, "--source", "hr")
    assert done.exit_code == 1
    assert "rad1" in done.out
    assert "staff9" in enabled(run)


def test_a_list_with_a_mistake_is_refused_with_its_line(run, listed, tmp_path):
    wrong = run("user", "sync", listed([*STAFF, "p9\n"]), "--source", "hr")
    assert (wrong.exit_code, "line 7" in wrong.err) == (2, True)
    assert run("user", "sync", str(tmp_path / "missing.csv"), "--source", "hr").exit_code == 2
