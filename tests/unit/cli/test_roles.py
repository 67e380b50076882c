from pacsgate.model.built_in_roles import BUILT_IN_ROLES


def test_roles_of_files_and_of_the_database_are_listed_together_with_their_place(run):
    run("role", "add", "auditor", "--permission", "AuditRead", "--may", "search", "--owner", "dpo")
    rows = run("role", "list", "--json").json
    assert [(row["name"], row["defined_at"]) for row in rows] == [
        *((name, "built in") for name in sorted(BUILT_IN_ROLES)),
        ("auditor", "database"),
        ("radiologist", "policy.yaml:12"),
    ]
    auditor = rows[len(BUILT_IN_ROLES)]
    assert auditor["permissions"] == ["AuditRead"]
    assert auditor["may"] == ["search"]
    assert "policy.yaml:12" in run("role", "list").out


def test_many_permissions_are_counted_in_the_list_and_named_by_show(run):
    listed = run("role", "list").out
    assert "39, see `pacsgate role show`" in listed
    assert "IdentityCreate" not in listed
    assert "IdentityCreate" in run("role", "show", "PacsAdministrator").out
    rows = run("role", "list", "--json").json
    assert run("role", "show", "PacsAdministrator", "--json").json in rows
    refused = run("role", "show", "nobody")
    assert (refused.exit_code, "there is no role `nobody`" in refused.err) == (1, True)


def test_a_role_of_a_policy_file_is_changed_only_there(run):
    for order in (("add", "radiologist"), ("remove", "radiologist")):
        refused = run("role", *order)
        assert refused.exit_code == 1
        assert "managed-by-file" in refused.err
        assert "policy.yaml:12" in refused.err


def test_a_role_is_added_and_removed(run):
    assert run("role", "add", "auditor", "--json").json["name"] == "auditor"
    assert run("role", "add", "auditor").exit_code == 1
    assert run("role", "remove", "auditor", "--json").json == {"name": "auditor", "removed": True}
    assert run("role", "remove", "auditor").exit_code == 1


def test_an_action_or_permission_that_does_not_exist_is_wrong_usage(run):
    assert run("role", "add", "x", "--may", "fly").exit_code == 2
    assert run("role", "add", "x", "--permission", "Everything").exit_code == 2


def test_the_longest_time_of_a_role_is_a_span_and_is_told(run):
    """Row L5."""
    added = run("role", "add", "locum", "--longest", "336h", "--json").json
    assert added["longest"] == "14 d"
    longest = {row["name"]: row["longest"] for row in run("role", "list", "--json").json}
    assert longest == {**dict.fromkeys(BUILT_IN_ROLES), "locum": "14 d", "radiologist": None}
    refused = run("role", "add", "x", "--longest", "soon")
    assert (refused.exit_code, "`soon` is no span of time" in refused.err) == (2, True)
