def test_an_account_is_linked_listed_and_unlinked(run):
    run("user", "add", "rad1", "--no-password")
    assert run("link", "list", "--json").json == []
    assert "rad1" in run("link", "add", "rad1", "idp", "1001").out
    (row,) = run("link", "list", "--user", "rad1", "--json").json
    assert (row["user"], row["source"], row["id"]) == ("rad1", "idp", "1001")
    assert "1001" in run("link", "list").out
    assert run("link", "add", "rad1", "idp", "1002").exit_code == 1
    assert run("link", "add", "nobody", "idp", "1").exit_code == 1
    assert run("link", "remove", "idp", "1001").exit_code == 0
    assert run("link", "remove", "idp", "1001").exit_code == 1
    assert run("link", "list", "--json").json == []


def test_a_link_to_a_source_that_the_configuration_does_not_name_is_told(run):
    run("user", "add", "rad1", "--no-password")
    added = run("link", "add", "rad1", "ipd", "1001")
    assert (added.exit_code, "`ipd`" in added.err) == (0, True)
