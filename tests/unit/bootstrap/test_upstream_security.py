"""Ways to archives that others could read are refused; listeners and certificates that will not do are told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pacsgate.bootstrap.certificate_health import (
    CertificateWatch,
    certificate_warnings,
    clear_text_listeners,
)
from pacsgate.bootstrap.supervisor import Supervisor
from pacsgate.bootstrap.upstream_security import (
    clear_text_peers,
    insecure_upstreams,
    insecure_upstreams_told_to_strangers,
    refuse_insecure_upstreams,
)
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import Settings, read_settings
from pacsgate.model.errors import SettingsError
from tests.support.tls import CertificateAuthority

FOLDER = "  main: {kind: folder, path: archive}\n"
PLAIN = "  - {host: 127.0.0.1, port: 8042}\n"


def settings(
    directory: Path, archive: str = FOLDER, listener: str = PLAIN, more: str = "", *, name: str = "gate"
) -> Settings:
    config = make_installation(directory / name)
    text = config.read_text("utf-8")
    assert text.count(FOLDER) == text.count(PLAIN) == 1
    config.write_text(text.replace(FOLDER, archive).replace(PLAIN, listener) + more, "utf-8")
    return read_settings(config)


@pytest.mark.parametrize(
    ("archive", "told"),
    [
        ("kind: dicomweb, url: 'https://pacs.example/dicom-web'", None),
        ("kind: dicomweb, url: 'http://127.0.0.1:8043/dicom-web'", None),
        ("kind: orthanc, url: 'http://[::1]:8043'", None),
        ("kind: orthanc, url: 'http://localhost:8043'", None),
        ("kind: dicomweb, url: 'http://pacs.example/dicom-web'", "`http://`"),
        ("kind: orthanc, url: 'http://10.1.2.3:8042'", "`http://`"),
        ("kind: orthanc, url: 'https://pacs.example', verify: false", "`verify: false`"),
        (
            (
                "kind: dicomweb, url: 'https://pacs.example', credentials: {kind: client-credentials, "
                "token_url: 'http://idp.example/token', client_id: gate, client_secret_file: secret}"
            ),
            "`token_url`",
        ),
    ],
)
def test_e13_an_open_way_to_an_archive_stops_the_start(
    tmp_path: Path, archive: str, told: str | None
) -> None:
    """E13: `verify: false` or `http://` to another machine is refused without `--insecure-upstream`."""
    found = settings(tmp_path, f"  main: {{{archive}}}\n")
    if told is None:
        refuse_insecure_upstreams(found)
        assert insecure_upstreams(found) == ()
        return
    with pytest.raises(SettingsError) as refused:
        Supervisor(found).prepare()
    assert told in refused.value.public
    assert "--insecure-upstream" in refused.value.public
    assert len(insecure_upstreams(found)) == 1


def test_strangers_are_told_no_name_of_another_tenants_archive(tmp_path: Path) -> None:
    ways = [
        f"  {name}: {{kind: orthanc, url: 'http://10.1.2.3:8042'{whose}}}\n"
        for name, whose in (("main", ""), ("canary", ", tenant: north"))
    ]
    found = settings(tmp_path, "".join(ways), more="tenants: {north: {}}\n")
    told = insecure_upstreams_told_to_strangers(found)
    assert [("main" in one, "canary" in one) for one in told] == [(True, False), (False, False)]
    assert "canary" in " ".join(insecure_upstreams(found))


def test_a_dicom_peer_on_another_machine_without_tls_is_told_of(tmp_path: Path) -> None:
    archive = "  main: {{kind: dimse, host: {}, port: 104, ae_title: PACS{}}}\n"
    plain = settings(tmp_path, archive.format("pacs.example", ""), name="plain")
    secured = settings(tmp_path, archive.format("pacs.example", ", tls: {}"), name="secured")
    here = settings(tmp_path, archive.format("127.0.0.1", ""), name="here")
    assert [len(clear_text_peers(each)) for each in (plain, secured, here)] == [1, 0, 0]
    assert insecure_upstreams(plain) == ()


@pytest.mark.parametrize(
    ("listener", "more", "is_told"),
    [
        (PLAIN, "", False),
        ("  - {host: 0.0.0.0, port: 8042}\n", "", True),
        ("  - {host: '::', port: 8042}\n", "", True),
        ("  - {host: 0.0.0.0, port: 8042}\n", "trusted_proxies: [10.0.0.1/32]\n", False),
        (
            f"{PLAIN}  - {{host: 0.0.0.0, port: 80, redirect: true}}\n",
            "public_url: 'https://g.example'\n",
            False,
        ),
    ],
)
def test_a_plain_listener_that_others_reach_is_told_of(
    tmp_path: Path, listener: str, more: str, *, is_told: bool
) -> None:
    assert bool(list(clear_text_listeners(settings(tmp_path, listener=listener, more=more)))) is is_told


def secured(directory: Path, *names: str, url: str = "") -> Settings:
    certificate, key = CertificateAuthority(directory / "ca").issue(*names)
    listener = f"  - {{port: 8443, tls: {{certificate: {certificate}, key: {key}}}}}\n"
    return settings(directory, listener=listener, more=f"public_url: '{url}'\n" if url else "")


def test_a_certificate_is_told_of_a_month_before_it_ends(tmp_path: Path) -> None:
    found = secured(tmp_path, "localhost")
    now = datetime.now(UTC)  # noqa: TID251 - the certificate was made for the real clock
    (soon,) = certificate_warnings(found, now)
    assert "expires in" in soon
    (late,) = certificate_warnings(found, now + timedelta(days=2))
    assert "expired on" in late
    (early,) = certificate_warnings(found, now - timedelta(days=2))
    assert "valid from" in early


@pytest.mark.parametrize(
    ("names", "url", "is_told"),
    [
        (("gate.example",), "https://gate.example", False),
        (("gate.example",), "https://GATE.example:8443/", False),
        (("gate.example",), "https://other.example", True),
        (("*.ward.example",), "https://gate.ward.example", False),
        (("*.ward.example",), "https://ward.example", True),
        (("*.ward.example",), "https://a.gate.ward.example", True),
        (("127.0.0.1",), "https://127.0.0.1:8443", False),
        (("localhost",), "https://127.0.0.1:8443", True),
    ],
)
def test_a_certificate_is_for_the_name_by_which_clients_come(
    tmp_path: Path, names: tuple[str, ...], url: str, *, is_told: bool
) -> None:
    now = datetime.now(UTC)  # noqa: TID251 - likewise
    warnings = certificate_warnings(secured(tmp_path, *names, url=url), now)
    assert any("public_url" in each for each in warnings) is is_told


def test_a_new_certificate_that_was_refused_is_a_problem_until_it_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pacsgate.bootstrap.renewed_tls.LOOK_SECONDS", 0.0)
    found = secured(tmp_path, "localhost")
    (tls,) = (listener.tls for listener in found.listeners if listener.tls is not None)
    watch = CertificateWatch(found)
    assert watch.problems() == []
    before = tls.key.read_bytes()
    tls.key.write_text("no key", "ascii")
    (problem,) = watch.problems()
    assert "`http 8443`" in problem
    tls.key.write_bytes(before)
    assert watch.problems() == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("listeners: [{redirect: true}, {port: 1}]\n", "needs a `public_url`"),
        ("listeners: [{redirect: true}]\npublic_url: 'https://g.example'\n", "nobody could sign in"),
        ("listeners: [{tls: {certificate: a, key: b}, redirect: true}]\n", "neither `tls` nor `mounts`"),
        ("listeners: [{tls: {certificate: a, key: b, client_certificate: required}}]\n", "whose certificates?"),
        ("listeners: [{tls: {certificate: a, key: b, client_ca: c}}]\n", "is not asked"),
        ("client_certificate_header: {}\n", "name the proxies"),
        ("client_certificate_header: {name: 'a b'}\ntrusted_proxies: [10.0.0.1/32]\n", "no name of a header"),
        ("identity: {certificates: [{name: a, ca_file: b, crl_file: c, crl_url: 'http://d', map: {by: san-upn}}]}\n", "two places"),
        ("identity: {certificates: [{name: a, ca_file: b, ocsp_url: 'http://d', map: {by: san-upn}}]}\n", "asked for nothing"),
    ],
)  # fmt: skip
def test_tls_settings_that_mean_nothing_are_refused_with_their_place(
    tmp_path: Path, more: str, told: str
) -> None:
    listeners = "" if more.startswith("listeners") else PLAIN
    config = make_installation(tmp_path / "gate")
    text = config.read_text("utf-8").replace(
        "listeners:\n" + PLAIN, "listeners:\n" + PLAIN if listeners else ""
    )
    config.write_text(text + more, "utf-8")
    with pytest.raises(SettingsError, match=told) as refused:
        read_settings(config)
    assert refused.value.public.startswith(f"{config}:")
