def test_roles_of_files_and_of_the_database_are_listed_together_with_their_place(run):
    run("role", "add", "auditor", "--permission", "AuditRead", "--may", "search", "--owner", "dpo")
    rows = run("role", "list", "--json").json
    assert [(row["name"], row["defined_at"]) for row in rows] == [
        ("auditor", "database"),
        ("radiologist", "policy.yaml:12"),
    ]
    assert rows[0]["permissions"] == ["AuditRead"]
    assert rows[0]["may"] == ["search"]
    assert "policy.yaml:12" in run("role", "list").out


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
