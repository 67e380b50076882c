"""Certificates of DICOM listeners: used, or refused with a sentence before anything listens."""

import ssl
from pathlib import Path

import pytest

from pacsgate.bootstrap.server_tls import check_server_tls, server_tls
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.config.dicom import DicomTlsSettings, TlsProfile
from pacsgate.model.errors import SettingsError
from tests.support.tls import CertificateAuthority


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


def settings(authority: CertificateAuthority, **more: object) -> DicomTlsSettings:
    certificate, key = authority.issue("127.0.0.1")
    return DicomTlsSettings.model_validate({"certificate": certificate, "key": key, **more})


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ssl.CERT_NONE),
        ({"client_ca": True}, ssl.CERT_REQUIRED),
        ({"client_ca": True, "client_certificate_required": False}, ssl.CERT_OPTIONAL),
    ],
)
def test_clients_show_certificates_where_somebody_vouches_for_them(
    authority: CertificateAuthority, more: dict[str, object], expected: ssl.VerifyMode
) -> None:
    if "client_ca" in more:
        more = {**more, "client_ca": authority.ca_file}
    assert server_tls(settings(authority, **more)).verify_mode is expected


def test_nothing_older_than_tls_1_2_is_spoken(authority: CertificateAuthority) -> None:
    assert server_tls(settings(authority)).minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_extended_profile_is_a_part_of_the_other(authority: CertificateAuthority) -> None:
    usual, extended = (
        {suite["name"] for suite in server_tls(settings(authority, profile=profile)).get_ciphers()}
        for profile in TlsProfile
    )
    assert extended < usual
    assert all("GCM" in name or "CHACHA20" in name for name in usual)


def test_what_is_no_certificate_is_refused_by_name(authority: CertificateAuthority, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("no certificate", "ascii")
    for certificate in (damaged, tmp_path / "missing.pem"):
        with pytest.raises(SettingsError) as refused:
            server_tls(settings(authority).model_copy(update={"certificate": certificate}))
        assert str(certificate) in refused.value.public


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
