import pytest

from pacsgate.bootstrap.installation import open_installation, trail_directory
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.dicom.summarise import read_summary
from pacsgate.ports import Arrival
from pacsgate.sinks.trail_reader import read_trail
from tests.support.objects import variant

POLICY = "version: 1\nattributes:\n  study.x: {{type: {type}, from: InstitutionName}}\nrules: [{{id: a, effect: forbid, when: has(study.x)}}]\n"


@pytest.mark.parametrize(("type_", "events"), [("set", 0), ("string", 1)])
def test_two_values_of_a_set_are_no_disagreement_and_of_a_string_are_one(tmp_path, type_, events):
    config = make_installation(tmp_path / "gate", policy=POLICY.format(type=type_))
    settings = read_settings(config)
    with open_installation(settings, "test") as opened:
        PolicyWatch(opened).publish()
        for number, place in enumerate(("NORTH", "SOUTH")):
            one = variant(InstitutionName=place, SOPInstanceUID=f"1.2.3.{number}")
            summary = read_summary(one.data)
            arrival = Arrival(summary, size=None, digest=None, cursor="")
            opened.indexer.add(opened.scope, opened.main_archive, [arrival])
        (study,) = opened.stores.index.studies(opened.scope, opened.main_archive, summary.study_instance_uid)
        assert study.facts["x"] == {"NORTH", "SOUTH"}
    kinds = [entry.event.kind.name for entry in read_trail(trail_directory(settings))]
    assert kinds.count("ATTRIBUTES_DISAGREE") == events
