import json

import pytest
from typer.testing import CliRunner

from pacsgate.bootstrap.installation import open_installation, trail_directory
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.main import app
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.dicom.summarise import read_summary
from pacsgate.ports import Arrival
from pacsgate.sinks.trail_reader import read_trail
from tests.support.objects import shipped


@pytest.fixture
def installation(tmp_path):
    """An installation whose index holds one study; the path of its configuration and the study's UID."""
    config = make_installation(tmp_path / "gate")
    settings = read_settings(config)
    with open_installation(settings, "test") as opened:
        PolicyWatch(opened).publish()
        summary = read_summary(shipped("CT_small.dcm").data)
        arrival = Arrival(summary, size=None, digest=None, cursor="")
        opened.indexer.add(opened.scope, opened.main_archive, [arrival])
    return config, summary.study_instance_uid


def run(config, *arguments):
    return CliRunner().invoke(app, [*arguments, "-c", str(config)])


def test_labels_and_collections_are_added_removed_and_shown(installation):
    config, study = installation
    assert run(config, "study", "label", study, "--add", "VIP", "--add", "R").exit_code == 0
    assert run(config, "study", "label", study, "--remove", "R").exit_code == 0
    shown = run(config, "study", "collect", study, "--add", "TEACH", "--json")
    assert json.loads(shown.stdout) == {"study": study, "labels": ["VIP"], "collections": ["TEACH"]}
    assert json.loads(run(config, "study", "show", study, "--json").stdout)["labels"] == ["VIP"]


def test_a_changed_label_is_on_record_with_what_it_was_before(installation):
    config, study = installation
    run(config, "study", "label", study, "--add", "VIP")
    events = [entry.event for entry in read_trail(trail_directory(read_settings(config)))]
    (event,) = [event for event in events if event.study and event.study.study_instance_uid == study]
    assert (event.kind.name, event.details["before"], event.details["after"]) == (
        "OBJECT_ACCESS_CHANGED",
        "labels: ; collections: ",
        "labels: VIP; collections: ",
    )


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (("1.2.3", "--add", "VIP"), 1),
        (("STUDY",), 2),
        (("STUDY", "--add", " "), 2),
        (("STUDY", "--add", "a\nb"), 2),
    ],
)
def test_what_cannot_be_labelled_is_refused_with_a_sentence(installation, arguments, exit_code):
    config, study = installation
    result = run(config, "study", "label", *(study if one == "STUDY" else one for one in arguments))
    assert result.exit_code == exit_code
    assert result.stderr.startswith("pacsgate: ")
