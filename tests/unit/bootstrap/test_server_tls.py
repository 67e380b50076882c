"""Certificates of DICOM listeners: used, or refused with a sentence before anything listens."""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from pacsgate.bootstrap.server_tls import ServerTls, all_tls, check_server_tls, server_context
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.config.tls import ClientCertificate, TlsProfile
from pacsgate.model.errors import SettingsError
from tests.support.tls import CertificateAuthority


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


def listener(authority: CertificateAuthority, profile: TlsProfile = TlsProfile.BCP_195) -> ServerTls:
    return ServerTls("dicom 2762", *authority.issue("127.0.0.1"), profile)


def test_nothing_older_than_tls_1_2_is_spoken(authority: CertificateAuthority) -> None:
    assert server_context(listener(authority)).minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_extended_profile_is_a_part_of_the_other(authority: CertificateAuthority) -> None:
    usual, extended = (
        {suite["name"] for suite in server_context(listener(authority, profile)).get_ciphers()}
        for profile in TlsProfile
    )
    assert extended < usual
    assert all("GCM" in name or "CHACHA20" in name for name in usual)


def test_what_is_no_certificate_is_refused_by_name(authority: CertificateAuthority, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("no certificate", "ascii")
    for certificate in (damaged, tmp_path / "missing.pem"):
        with pytest.raises(SettingsError) as refused:
            server_context(replace(listener(authority), certificate=certificate))
        assert str(certificate) in refused.value.public


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", [ClientCertificate.NONE] * 2),
        (", client_ca: {ca}", [ClientCertificate.REQUIRED] * 2),
        (", client_ca: {ca}, client_certificate_required: false", [ClientCertificate.OPTIONAL] * 2),
    ],
)
def test_clients_show_certificates_where_somebody_vouches_for_them(
    authority: CertificateAuthority, tmp_path: Path, asked: str, expected: list[ClientCertificate]
) -> None:
    certificate, key = authority.issue("127.0.0.1")
    tls = f"{{certificate: {certificate}, key: {key}{asked.format(ca=authority.ca_file)}}}"
    config = make_installation(tmp_path / "gate")
    with config.open("a", encoding="utf-8") as file:
        file.write(f"dicom: {{listeners: [{{tls: {tls}}}], ae_titles: {{PACSGATE: {{archive: main}}}}}}\n")
        senders = "[{account: ris1, networks: [10.0.0.0/8]}]"
        file.write(f"hl7: {{listeners: [{{port: 2575, tls: {tls}, senders: {senders}}}]}}\n")
    assert [tls.client_certificate for tls in all_tls(read_settings(config))] == expected


def test_an_http_listener_takes_the_cards_of_every_source_unless_it_names_an_authority(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    certificate, key = authority.issue("127.0.0.1")
    config = make_installation(tmp_path / "gate")
    written = config.read_text("utf-8").partition("listeners:")
    sources = ", ".join(f"{{name: {name}, ca_file: {name}.pem, map: {{by: san-upn}}}}" for name in "ab")
    expected = {
        "": [tmp_path / "gate/a.pem", tmp_path / "gate/b.pem"],
        ", client_ca: c": [tmp_path / "gate/c"],
    }
    for more, authorities in expected.items():
        tls = f"{{certificate: {certificate}, key: {key}, client_certificate: optional{more}}}"
        rest = written[2].partition("workers:")
        config.write_text(
            f"{written[0]}listeners: [{{port: 0, tls: {tls}}}]\nidentity: {{certificates: [{sources}]}}\n"
            f"workers:{rest[2]}",
            "utf-8",
        )
        (found,) = all_tls(read_settings(config))
        assert list(found.authorities) == authorities
        assert found.client_certificate is ClientCertificate.OPTIONAL


@pytest.mark.parametrize(
    "section",
    [
        "dicom: {{listeners: [{{tls: {tls}}}], ae_titles: {{PACSGATE: {{archive: main}}}}}}\n",
        "hl7: {{listeners: [{{port: 2575, tls: {tls}, senders: [{{account: ris1, networks: [10.0.0.0/8]}}]}}]}}\n",
    ],
)
def test_a_configuration_is_sound_only_with_the_certificates_that_it_names(
    authority: CertificateAuthority, tmp_path: Path, section: str
) -> None:
    certificate, key = authority.issue("127.0.0.1")
    config = make_installation(tmp_path / "gate")
    written = config.read_text("utf-8")
    config.write_text(written + section.format(tls=f"{{certificate: {certificate}, key: {key}}}"), "utf-8")
    check_server_tls(read_settings(config))
    config.write_text(written + section.format(tls=f"{{certificate: {certificate}, key: missing}}"), "utf-8")
    with pytest.raises(SettingsError, match="cannot use certificate"):
        check_server_tls(read_settings(config))
