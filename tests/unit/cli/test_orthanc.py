"""`pacsgate orthanc config`: what it prints is a configuration with which Debian's Orthanc starts."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import requests

from pacsgate.cli.new_installation import make_installation
from tests.support.hospital import cli_here
from tests.support.orthanc import running_orthanc

ARCHIVE = """\
  main:
    kind: orthanc
    url: http://127.0.0.1:8043
    credentials: {kind: basic, user: gate, password_file: origin.password}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    config = make_installation(tmp_path / "gate")
    text = config.read_text("utf-8").replace("  main: {kind: folder, path: archive}\n", ARCHIVE)
    config.write_text(text, "utf-8")
    (config.parent / "origin.password").write_text("secret of the gate\n", "utf-8")
    (config.parent / "plugin.secret").write_text("secret of the plugin\n", "utf-8")
    return config


def printed(config: Path, *options: str) -> dict[str, Any]:
    done = cli_here("orthanc", "config", *options, "-c", str(config))
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_an_orthanc_behind_the_gate_knows_the_gates_account_and_no_other(config: Path) -> None:
    found = printed(config, "--way", "front")
    assert found["HttpPort"] == 8043
    assert found["RegisteredUsers"] == {"gate": "secret of the gate"}
    assert (found["AuthenticationEnabled"], found["RemoteAccessAllowed"]) == (True, False)
    assert (found["ExecuteLuaEnabled"], found["OverwriteInstances"]) == (False, False)


def test_the_gate_is_asked_by_tls_where_its_listener_has_it(config: Path) -> None:
    plain = "{host: 127.0.0.1, port: 8042}"
    redirecting = '{host: 127.0.0.1, port: 8042, redirect: true, public_url: "https://a.example"}'
    secured = "{host: 127.0.0.1, port: 8443, tls: {certificate: gate.pem, key: gate.key}}"
    text = config.read_text("utf-8")
    assert text.count(plain) == 1
    config.write_text(text.replace(plain, f"{redirecting}\n  - {secured}"), "utf-8")
    secret = str(config.parent / "plugin.secret")
    found = printed(config, "--way", "plugin", "--account", "orthanc-main", "--secret-file", secret)
    assert found["Authorization"]["WebServiceRootUrl"] == "https://127.0.0.1:8443/auth/orthanc/"


def test_a_proxy_has_an_account_of_its_own_with_a_new_password(config: Path) -> None:
    first, second = (printed(config, "--way", "nginx")["RegisteredUsers"] for _ in range(2))
    assert set(first) == {"gate", "proxy"}
    assert first["proxy"] != second["proxy"]
    assert len(first["proxy"]) >= 20


def test_the_plugin_knows_where_and_as_whom_to_ask(config: Path) -> None:
    secret = str(config.parent / "plugin.secret")
    found = printed(config, "--way", "plugin", "--account", "orthanc-main", "--secret-file", secret)
    asking = found["Authorization"]
    assert asking["WebServiceRootUrl"] == "http://127.0.0.1:8042/auth/orthanc/"
    assert (asking["WebServiceUsername"], asking["WebServicePassword"]) == (
        "orthanc-main",
        "secret of the plugin",
    )
    assert (asking["WebServiceIdentifier"], asking["CheckedLevel"]) == ("main", "studies")
    assert all(len(row) in {3, 4} for row in asking["Permissions"])


def test_the_script_knows_the_gate_and_its_account(config: Path) -> None:
    found = printed(config, "--way", "script", "--secret-file", str(config.parent / "plugin.secret"))
    assert found["Pacsgate"] == {
        "Url": "http://127.0.0.1:8042",
        "Root": "/archives/main/orthanc",
        "Token": "secret of the plugin",
        "Account": "gate:secret of the gate",
    }


@pytest.mark.parametrize(
    "options",
    [
        ("--way", "plugin"),
        ("--way", "plugin", "--account", "a"),
        ("--way", "script"),
        ("--way", "front", "--archive", "another"),
        ("--way", "plugin", "--account", "a", "--secret-file", "/nowhere"),
    ],
)
def test_what_is_missing_is_said(config: Path, options: tuple[str, ...]) -> None:
    done = cli_here("orthanc", "config", *options, "-c", str(config))
    assert done.returncode == 2
    assert done.stderr.startswith("pacsgate: ")


@pytest.mark.server("orthanc")
@pytest.mark.long
@pytest.mark.parametrize("way", ["front", "nginx"])
def test_debians_orthanc_starts_with_it_and_keeps_strangers_out(
    config: Path, tmp_path: Path, way: str
) -> None:
    found = printed(config, "--way", way)
    del found["HttpPort"]
    with running_orthanc(
        tmp_path / "orthanc", credentials=("gate", "secret of the gate"), settings=found
    ) as orthanc:
        assert orthanc.request("GET", "/system").status_code == 200
        assert requests.get(f"{orthanc.url}/system", timeout=30).status_code == 401
        script = requests.post(
            f"{orthanc.url}/tools/execute-script", data=b"print(1)", auth=orthanc.credentials, timeout=30
        )
        assert script.status_code == 403


@pytest.mark.server("orthanc")
def test_what_debian_brings_is_laid_over_and_nobodys_account_stays(config: Path, tmp_path: Path) -> None:
    debians = tmp_path / "orthanc"
    debians.mkdir()
    for file in Path("/etc/orthanc").glob("*.json"):
        shutil.copy(file, debians)
    (debians / "more.json").write_text('{"OfAPlugin": {"x": ["X", true, 1.5]}, /* ours */}')
    (debians / "credentials.json").write_text('{"RegisteredUsers": {"alice": "alicePassword"}}')
    found = printed(config, "--way", "front", "--over", str(debians))
    assert found["OfAPlugin"] == {"x": ["X", True, 1.5]}
    assert found["RegisteredUsers"] == {"gate": "secret of the gate"}
    assert (found["HttpPort"], found["ExecuteLuaEnabled"]) == (8043, False)
    assert (
        found["DicomWeb"].items() >= {"Root": "/dicom-web/", "EnableWado": False, "WadoRoot": "/wado"}.items()
    )
    assert isinstance(found["StorageDirectory"], str)


@pytest.mark.parametrize(
    "files",
    [{}, {"a.json": "{"}, {"a.json": "[]"}, {"a.json": '{"Name": "a"}', "b.json": '{"Name": "b"}'}],
)
def test_a_configuration_that_orthanc_would_refuse_is_refused(
    config: Path, tmp_path: Path, files: dict[str, str]
) -> None:
    directory = tmp_path / "orthanc"
    directory.mkdir()
    for name, text in files.items():
        (directory / name).write_text(text)
    done = cli_here("orthanc", "config", "--way", "front", "--over", str(directory), "-c", str(config))
    assert done.returncode != 0
    assert done.stdout == ""


def test_no_links_are_no_rows(config: Path) -> None:
    assert json.loads(cli_here("orthanc", "shares", "list", "--json", "-c", str(config)).stdout) == []
    assert cli_here("orthanc", "shares", "revoke", "0" * 16, "-c", str(config)).returncode == 1
