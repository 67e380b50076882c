"""`pacsgate init --tls`: an authority for trying, which can vouch for this machine and for nothing else."""

import stat
import subprocess
from pathlib import Path

import pytest

from pacsgate.bootstrap.certificate_health import certificate_warnings
from pacsgate.bootstrap.clock import SystemClock
from pacsgate.bootstrap.server_tls import check_server_tls
from pacsgate.config import Settings, read_settings
from tests.support.hospital import cli_here


@pytest.fixture
def made(tmp_path: Path) -> Settings:
    done = cli_here("init", str(tmp_path / "gate"), "--tls")
    assert done.returncode == 0, done.stderr
    assert "trial-ca.pem" in done.stdout
    return read_settings(tmp_path / "gate/pacsgate.yaml")


def verified(made: Settings, certificate: Path, *options: str) -> bool:
    authority = made.data.parent / "tls/trial-ca.pem"
    command = [
        "openssl",
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-CAfile",
        str(authority),
        *options,
    ]
    done = subprocess.run([*command, str(certificate)], capture_output=True, timeout=20, check=False)
    return done.returncode == 0


def test_its_certificate_is_good_for_this_machine_under_strict_rules(made: Settings) -> None:
    check_server_tls(made)
    (listener,) = made.listeners
    assert listener.tls is not None
    assert listener.port == 8443
    assert verified(made, listener.tls.certificate, "-verify_hostname", "localhost")
    assert verified(made, listener.tls.certificate, "-verify_ip", "127.0.0.1")
    assert verified(made, listener.tls.certificate, "-verify_ip", "::1")
    assert not verified(made, listener.tls.certificate, "-verify_hostname", "gate.example")
    assert not list(certificate_warnings(made, SystemClock().now()))


def test_whoever_gets_its_key_can_vouch_for_no_other_site(made: Settings, tmp_path: Path) -> None:
    tls = made.data.parent / "tls"
    for name, is_good in (("localhost", True), ("bank.example", False)):
        request = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
            "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=CA:FALSE",
            "-addext", "keyUsage=digitalSignature", "-addext", "authorityKeyIdentifier=keyid",
            "-CA", str(tls / "trial-ca.pem"), "-CAkey", str(tls / "trial-ca.key"),
            "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate.pem"),
        ]  # fmt: skip
        subprocess.run(request, check=True, capture_output=True, timeout=20)
        assert verified(made, tmp_path / "certificate.pem") is is_good


def test_its_keys_are_read_by_their_owner_only(made: Settings) -> None:
    tls = made.data.parent / "tls"
    assert {stat.S_IMODE(file.stat().st_mode) for file in tls.glob("*.key")} == {0o600}


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    existing = tmp_path / "gate/tls/gate.key"
    existing.parent.mkdir(parents=True)
    existing.write_text("mine", "ascii")
    done = cli_here("init", str(tmp_path / "gate"), "--tls")
    assert done.returncode != 0
    assert existing.read_text("ascii") == "mine"
