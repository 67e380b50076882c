"""An administrator of dcm4chee 2 runs one command, and finds everything in its place."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as StudyRoot

from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.occurrences import store_labels
from pacsgate.config import read_settings
from pacsgate.model.actions import Action
from pacsgate.model.resource import ResourceKey
from pacsgate.services.administer_devices import DeviceAdministration
from pacsgate.services.resolve import Reach, reach_among
from tests.support.dcm4chee_files import FILES, LDIF, written
from tests.support.dimse_gate import DicomGate, open_dicom_gate
from tests.support.hospital import cli_here
from tests.support.installed import add, bound, installed, main_archive, save
from tests.support.objects import variant


def run(config: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return cli_here(*arguments, "-c", str(config))


def imported(config: Path, directory: Path, files: dict[str, str], *options: str) -> dict[str, object]:
    paths = [str(path) for path in written(directory / "theirs", files)]
    done = run(config, "import", "dcm4chee", *paths, "--into", str(directory / "into"), "--json", *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def config_of(installation: Installation) -> Path:
    return installation.settings.policy.parent / "pacsgate.yaml"


def test_one_command_brings_everything_over_and_a_second_one_nothing_more(tmp_path: Path) -> None:
    with installed(tmp_path) as installation:
        config = config_of(installation)
        planned = imported(config, tmp_path, FILES, "--dry-run")
        assert not (tmp_path / "into").exists()
        assert list(installation.stores.permissions.every(installation.scope)) == []
        report = imported(config, tmp_path, FILES)
        assert {**planned, "dry_run": False, "permissions": report["permissions"]} == report
        assert report["permissions"] == {"rows": 5, "actions_added": 6}
        (tmp_path / "into" / "dcm4chee.yaml").rename(tmp_path / "first.yaml")
        again = imported(config, tmp_path, FILES)
        assert again["permissions"] == {"rows": 5, "actions_added": 0}
        assert {account["made"] for account in again["accounts"]} == {False}
        assert (tmp_path / "first.yaml").read_text() == (tmp_path / "into" / "dcm4chee.yaml").read_text()
        held = {
            (each.action, each.grantee)
            for each in installation.stores.permissions.of_study(installation.scope, "1.2.3")
        }
        assert held == {
            (action, "Doctor") for action in (Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.APPEND)
        }
        assert installation.stores.remote_aes.remote_ae(installation.scope, "CT1") is not None


def test_what_is_imported_decides(tmp_path: Path) -> None:
    with installed(tmp_path, [variant(StudyInstanceUID="1.2.3")]) as installation:
        imported(config_of(installation), tmp_path, FILES)
        save(installation, {"policy.yaml": (tmp_path / "into" / "dcm4chee.yaml").read_text()})
        held = installation.stores.index.studies(installation.scope, main_archive(installation), "1.2.3")
        for name, actions in (
            ("jane", {Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.APPEND}),
            ("o-brien", {Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.APPEND}),
            ("modality", set()),
        ):
            asked = bound(installation, name)
            reached = {
                action
                for action in Action
                if isinstance(reach_among(held, ResourceKey("1.2.3"), action, asked), Reach)
            }
            assert reached == actions, name


@pytest.mark.long
def test_the_report_is_readable_and_names_what_stayed_behind(tmp_path: Path) -> None:
    with installed(tmp_path) as installation:
        paths = [str(path) for path in written(tmp_path / "theirs", {**FILES, "arc.ldif": LDIF})]
        done = run(
            config_of(installation),
            "import",
            "dcm4chee",
            *paths,
            "--into",
            str(tmp_path / "into"),
            "--dry-run",
        )
    assert done.returncode == 0, done.stderr
    for sentence in (
        "account `o-brien` (there `o'brien`)",
        "passwords stay there",
        "device `CT1` at ct1.example.test:11112",
        "5 rows of study permissions would be brought over",
        "series_stylesheet: ",
        "1 rows permit `Z`",
        "WARNING: `disableStudyPermissionCheckForUser`",
        "store rule `ahead` does not come over",
        "WARNING: store rule `bodies` labels series",
        "    NORTH: {archive: main}",
    ):
        assert sentence in done.stdout, (sentence, done.stdout)
    assert "geheim" not in done.stdout


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"letter.txt": "Dear colleagues"}, "nothing that is known of dcm4chee"),
        ({"x.sql": "-- dump\nINSERT INTO study_permission VALUES (1);\n"}, "x.sql:2:"),
        ({"other.xsl": FILES["series-permission.xsl"]}, "rename it"),
        (
            {"series-permission.xsl": FILES["series-permission.xsl"].replace("attr[", "attr[[")},
            "cannot be run",
        ),
    ],
)
def test_what_cannot_be_read_stops_before_anything_is_done(
    tmp_path: Path, files: dict[str, str], sentence: str
) -> None:
    with installed(tmp_path) as installation:
        paths = [str(path) for path in written(tmp_path / "theirs", files)]
        done = run(config_of(installation), "import", "dcm4chee", *paths, "--into", str(tmp_path / "into"))
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (tmp_path / "into").exists()


@pytest.mark.long
def test_what_was_imported_is_exported_as_it_was(tmp_path: Path) -> None:
    with installed(tmp_path) as installation:
        imported(config_of(installation), tmp_path, FILES)
        for layout in ("dcm4chee-csv", "dcm4chee-sql"):
            done = run(config_of(installation), "permission", "export", "--format", layout)
            again = imported(
                config_of(installation), tmp_path / f"to-{layout}", {layout: done.stdout}, "--dry-run"
            )
            assert again["permissions"] == {"rows": 5, "actions_added": 0}


def test_the_same_devices_find_the_same_studies_over_dicom(tmp_path: Path) -> None:
    with open_dicom_gate(tmp_path) as gate:
        installation = gate.installation
        add(
            installation,
            [
                variant(
                    StudyInstanceUID=f"1.2.{number}",
                    SeriesInstanceUID=f"1.2.{number}.1",
                    SOPInstanceUID=f"1.2.{number}.1.1",
                )
                for number in (3, 4, 9)
            ],
        )
        found = imported(config_of(installation), tmp_path, FILES)
        assert found["not_carried_over"]
        save(installation, {"policy.yaml": (tmp_path / "into" / "dcm4chee.yaml").read_text()})
        devices = DeviceAdministration(installation.office, installation.stores.remote_aes)
        for title in ("WS1", "CDRECORD", "CT1"):
            entry = devices.device(installation.scope, title)
            devices.change(gate.change(), replace(entry, networks=("127.0.0.1/32",)))
        assert found_by(gate, "WS1") == {"1.2.3", "1.2.4", "1.2.9"}  # its title was unrestricted
        assert found_by(gate, "CDRECORD") == {"1.2.3", "1.2.4", "1.2.9"}
        devices.change(gate.change(), replace(devices.device(installation.scope, "CT1"), account="jane"))
        assert found_by(gate, "CT1") == {"1.2.3"}  # what Doctor has, and no other title's freedom


def found_by(gate: DicomGate, title: str) -> set[str]:
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    asked.StudyInstanceUID = ""
    with gate.client.associated([build_context(StudyRoot)], calling=title) as association:
        answers = list(association.send_c_find(asked, StudyRoot))
        return {identifier.StudyInstanceUID for _, identifier in answers if identifier is not None}


def test_a_dcm4chee_5_goes_on_with_what_was_written(tmp_path: Path) -> None:
    with installed(tmp_path) as installation:
        config = config_of(installation)
        report = imported(config, tmp_path, {"arc.ldif": LDIF}, "--owner", "chief")
        lines = report["configuration"]
        assert isinstance(lines, list)
        config.write_text(config.read_text() + "\n".join(map(str, lines)) + "\n")
        settings = read_settings(config)
        rules = store_labels(settings)
        assert rules is not None
        assert {rule.name for rule in rules.rules} == {"shared"}
        assert settings.dicom is not None
        assert set(settings.dicom.ae_titles) == {"NORTH", "ALL"}
        save(installation, {"dcm4chee.yaml": (tmp_path / "into" / "dcm4chee.yaml").read_text()})
