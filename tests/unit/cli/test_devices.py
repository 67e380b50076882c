"""`pacsgate device`, as an administrator types it."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from tests.support.tls import CertificateAuthority


@pytest.fixture(autouse=True)
def ct1(run):
    run("user", "add", "ct1", "--kind", "device", "--no-password")


def test_a_device_is_added_listed_shown_changed_and_removed(run):
    added = run(
        *("device", "add", "CT1", "--owner", "radiology", "--account", "ct1", "--network", "10.1.0.0/16"),
        *("--network", "2001:db8::/32", "--host", "ct1.example", "--port", "104", "--tls", "--until", "90d"),
        *("--description", "room 3", "--vouches-for", "radiographers", "--json"),
    ).json
    assert added == {
        "ae_title": "CT1",
        "account": "ct1",
        "networks": ["10.1.0.0/16", "2001:db8::/32"],
        "certificate_sha256": None,
        "title_is_enough": False,
        "vouches_for": ["radiographers"],
        "host": "ct1.example",
        "port": 104,
        "tls": True,
        "owner": "radiology",
        "description": "room 3",
        "valid_until": "2026-05-30T09:00:00Z",
        "disabled": False,
    }
    assert run("device", "list", "--json").json == [added]
    assert run("device", "show", "CT1", "--json").json == added
    changed = run("device", "change", "CT1", "--until", "never", "--disable", "--no-tls", "--json").json
    assert changed == {**added, "valid_until": None, "disabled": True, "tls": False}
    assert run("device", "remove", "CT1").exit_code == 0
    assert run("device", "list", "--json").json == []


def test_a_list_for_people_says_what_proves_each_and_whether_it_counts(run):
    run("device", "add", "CT1", "--owner", "o", "--network", "10.1.0.0/16", "--host", "h", "--port", "104")
    run("device", "add", "OLD", "--owner", "o", "--title-is-enough")
    run("device", "change", "OLD", "--disable")
    out = run("device", "list").out
    ct1, old = (line for line in out.splitlines() if line.startswith(("CT1", "OLD")))
    assert "10.1.0.0/16" in ct1
    assert "h:104" in ct1
    assert "counts" in ct1
    assert "its title (!)" in old
    assert "disabled" in old


def test_a_title_that_is_enough_is_warned_about_each_time(run):
    for command in (
        ("device", "add", "OLD", "--owner", "o", "--title-is-enough"),
        ("device", "change", "OLD", "--description", "x"),
    ):
        assert "whoever calls as `OLD` is believed" in run(*command).err
    assert run("device", "change", "OLD", "--title-is-not-enough", "--network", "10.0.0.1").err == ""


def test_a_certificate_is_kept_as_its_fingerprint_however_it_is_given(run, tmp_path):
    certificate, _ = CertificateAuthority(tmp_path).issue("ct1.example")
    fingerprint = load_pem_x509_certificate(certificate.read_bytes()).fingerprint(SHA256())
    by_file = run("device", "add", "A", "--owner", "o", "--certificate", str(certificate), "--json").json
    colons = fingerprint.hex(":").upper()
    by_digits = run("device", "add", "B", "--owner", "o", "--fingerprint", colons, "--json").json
    assert by_file["certificate_sha256"] == by_digits["certificate_sha256"] == fingerprint.hex()


def test_what_was_given_can_be_taken_away(run):
    run(
        *("device", "add", "CT1", "--owner", "o", "--account", "ct1", "--network", "10.0.0.1"),
        *("--host", "h", "--port", "104", "--tls", "--vouches-for", "g", "--fingerprint", "ab" * 32),
    )
    clears = [part for name in ("account", "vouches-for", "host", "network") for part in ("--clear", name)]
    left = run("device", "change", "CT1", *clears, "--json").json
    assert [left[name] for name in ("account", "vouches_for", "host", "port", "tls", "networks")] == [
        None, [], None, None, False, [],
    ]  # fmt: skip
    assert left["certificate_sha256"] == "ab" * 32


@pytest.mark.parametrize(
    ("arguments", "sentence", "exit_code"),
    [
        (("add", "CT1", "--owner", "o", "--network", "x"), "`x` is no network", 2),
        (("add", "CT1", "--owner", "o", "--account", "nobody"), "no account is called `nobody`", 1),
        (("add", "CT1", "--owner", "o", "--certificate", "/none"), "cannot read the certificate", 2),
        (("add", "CT1", "--owner", "o", "--certificate", "x", "--fingerprint", "y"), "give one", 2),
        (("show", "CT1"), "there is no device `CT1`", 1),
        (("change", "CT1", "--disable"), "there is no device `CT1`", 1),
        (("remove", "CT1"), "there is no device `CT1`", 1),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(run, arguments, sentence, exit_code):
    result = run("device", *arguments)
    assert sentence in result.err
    assert result.exit_code == exit_code


def test_only_what_there_is_can_be_taken_away(run):
    run("device", "add", "CT1", "--owner", "o")
    result = run("device", "change", "CT1", "--clear", "owner")
    assert "`owner` cannot be taken away" in result.err
    assert result.exit_code == 2
