import pytest


@pytest.fixture(autouse=True)
def rad1(run):
    run("user", "add", "rad1", "--no-password")


def test_a_grant_is_made_listed_and_revoked(run):
    made = run(
        "grant", "add", "--user", "rad1", "--study", "1.2.3", "--action", "view", "--until", "2d", "--json"
    ).json
    assert (made["grantee_kind"], made["grantee"], made["target"], made["target_id"]) == (
        "user",
        "rad1",
        "study",
        "1.2.3",
    )
    assert made["expires"] == "2026-03-03T09:00:00Z"
    assert run("grant", "list", "--json").json == [made]
    assert "1.2.3" in run("grant", "list").out
    assert run("grant", "revoke", made["grant_id"]).exit_code == 0
    assert run("grant", "list", "--json").json == []
    assert run("grant", "revoke", made["grant_id"]).exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--user", "rad1", "--action", "view"),
        ("--study", "1.2.3", "--action", "view"),
        ("--user", "rad1", "--group", "g", "--study", "1.2.3", "--action", "view"),
        ("--user", "rad1", "--study", "1.2.3", "--series", "1.2.3.4", "--action", "view"),
        ("--user", "rad1", "--study", "1.2.3"),
        ("--user", "rad1", "--study", "../1", "--action", "view"),
        ("--user", "rad1", "--study", "1.2.3", "--action", "fly"),
        ("--user", "rad1", "--study", "1.2.3", "--action", "view", "--until", "2020-01-01"),
    ],
)
def test_a_grant_names_one_grantee_one_target_and_an_action(run, arguments):
    assert run("grant", "add", *arguments).exit_code == 2
    assert run("grant", "list", "--json").json == []


@pytest.mark.parametrize(
    ("grantee", "target"),
    [
        (("--group", "board"), ("--collection", "TEACH")),
        (("--role", "radiologist"), ("--patient", "HOSP|P1")),
    ],
)
def test_groups_roles_patients_and_collections_take_part(run, grantee, target):
    made = run("grant", "add", *grantee, *target, "--action", "search", "--json").json
    assert (made["grantee"], made["target_id"]) == (grantee[1], target[1])
