"""The filters' answers as facts: made once for each instance, and known to be missing until then."""

import msgspec
import pytest

from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.reading import read_object
from pacsgate.dicom.summarise import read_summary, summarise, summarise_json
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.actions import Action
from pacsgate.model.context import Context
from pacsgate.model.decision import Allow, Deny
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.subject import Subject
from pacsgate.policy import reference
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from pacsgate.policy.facts import ResourceFacts
from pacsgate.policy.instance_facts import instance_facts, own_facts, shared_facts, undecided
from pacsgate.policy.policy import Policy
from pacsgate.upstream.part10_header import read_header
from tests.unit.dicom.real_files import file_named, readable_files
from tests.unit.policy.hospital import MAIN, NOON


def filtering(*queries: str) -> Policy:
    profiles = "\n".join(
        f"  P{number}: {{Description: d, DICOMQueryFilter: '{query}'}}"
        for number, query in enumerate(queries)
    )
    return load_policy({"research-pacs:p.yaml": f"Profiles:\n{profiles}\nPermissions: []\n"})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Modality StrEquals CT", True),
        ("Modality StrEquals MR", False),
        ("00020010 StrEquals 1.2.840.10008.1.2.1", True),
        ("00020002 StrEquals 1.2.840.10008.5.1.4.1.1.2", True),
        ("00020003 NotExists", False),
        ("PixelData NotEmpty", True),
        ("PixelData NotExists", False),
        ("PixelData StrEquals *", False),
        ("OverlayData NotExists", True),
    ],
)
def test_a_filter_is_asked_of_the_whole_object(query: str, expected: bool) -> None:
    query = query.replace("OverlayData", "60003000")
    policy = filtering(query)
    facts = instance_facts(policy, read_summary(file_named("CT_small.dcm").read_bytes()))
    (filter_id,) = policy.filters
    assert (filter_id in facts["filters"]) is expected
    assert facts["filters_asked"] == {filter_id}


def test_facts_are_undecided_until_every_filter_was_asked() -> None:
    summary = read_summary(file_named("CT_small.dcm").read_bytes())
    one, two = filtering("Rows Exists"), filtering("Rows Exists", "Columns Exists")
    assert undecided(one, {})
    assert not undecided(one, instance_facts(one, summary))
    assert undecided(two, instance_facts(one, summary))
    assert not undecided(two, instance_facts(two, summary))
    assert not undecided(one, instance_facts(two, summary)), "a filter less is nothing to ask"


def test_a_policy_without_filters_divides_no_series() -> None:
    policy = load_policy({"policy.yaml": "version: 1\n"})
    assert instance_facts(policy, read_summary(file_named("CT_small.dcm").read_bytes())) == {}
    assert not undecided(policy, {})


def test_facts_are_shared_by_a_series_or_the_part_s_own() -> None:
    summary = read_summary(file_named("CT_small.dcm").read_bytes())
    own = instance_facts(filtering("Rows Exists"), summary)
    whole = {"modality": frozenset({"CT"}), **own}
    assert own_facts(whole) == own
    assert shared_facts(whole) == {"modality": frozenset({"CT"})}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("IconImageSequence.PixelData Exists", True),
        ("IconImageSequence.PixelData NotExists", False),
        ("IconImageSequence.PixelData Empty", False),
        ("IconImageSequence.Rows NbEquals 1", True),
        ("IconImageSequence.BitsStored NotExists", True),
    ],
)
def test_bulk_data_within_sequences_is_there_too(query: str, expected: bool) -> None:
    item = {"00280010": {"vr": "US", "Value": [1]}, "7FE00010": {"vr": "OW", "BulkDataURI": "x"}}
    assert bool(answered(query, {"00880200": {"vr": "SQ", "Value": [item]}})) is expected


@pytest.mark.parametrize("test", ["StrEquals *", "StrNotEquals *secret*", "NbEquals 3", "NbNotEquals 3"])
def test_of_a_text_that_an_archive_left_out_no_comparison_is_true(test: str) -> None:
    left_out = {"00104000": {"vr": "LT", "BulkDataURI": "http://archive.example/1"}}
    assert not answered(f"PatientComments {test}", left_out)
    assert answered("PatientComments NotEmpty", left_out)


def answered(query: str, more: DicomJson) -> object:
    metadata = to_json(read_object(file_named("CT_small.dcm").read_bytes()), "/".join)
    return instance_facts(filtering(query), summarise_json({**metadata, **more}, "1.2.840.10008.1.2.1"))[
        "filters"
    ]


RULES = """\
version: 1
roles: {reader: {may: [search, view], owner: o}}
rules:
  - {id: all-but-ct, effect: permit, roles: [reader], actions: [search],
     when: "!('Modality StrEquals CT' in series.filters)"}
  - {id: all, effect: permit, roles: [reader], actions: [view]}
  - {id: no-ct, effect: forbid, actions: [view], when: "'Modality StrEquals CT' in series.filters"}
assignments: [{users: [ann], roles: [reader]}]
"""


@pytest.mark.parametrize("action", [Action.SEARCH, Action.VIEW])
def test_an_instance_that_was_asked_another_filter_is_not_spared_by_one_that_it_has_yet_to_be_asked(
    action: Action,
) -> None:
    policy, summary = (
        load_policy({"policy.yaml": RULES}),
        read_summary(file_named("MR_small.dcm").read_bytes()),
    )
    subject = Subject(tenant=DEFAULT_TENANT, name="ann")
    bound = bind(policy, subject, Context(NOON, "r-1"), MAIN, ())
    before, after = (instance_facts(each, summary) for each in (filtering("Rows Exists"), policy))
    for own, expected in ((before, Deny), (after, Allow), ({}, Deny)):
        facts = ResourceFacts({}, own)
        decision = bound.decide(action, facts)
        assert isinstance(decision, expected)
        assert decision == reference.decide(policy, subject, bound.context, MAIN, (), action, facts)


QUESTIONS = (
    "PixelData NotEmpty",
    "PixelData Exists OR EncapsulatedDocument NotEmpty",
    "Modality StrEquals *",
    "ImageType StrNotEquals ORIGINAL AND Rows NbGreater 100",
    "PatientName NotEmpty AND StudyDate NotEmpty",
    "ReferencedStudySequence.ReferencedSOPInstanceUID Exists",
    "00091001 Exists AND 00090010 NotEmpty",
    "PixelSpacing NbLess 1 OR SliceThickness NbGreater 0.5",
    "00020010 StrEquals 1.2.840.10008.1.2*",
)


def test_a_filter_is_answered_alike_however_the_object_became_known() -> None:
    policy = filtering(*QUESTIONS)
    answered: set[str] = set()
    for path in readable_files():
        stored = instance_facts(policy, read_summary(path.read_bytes()))
        read_again = instance_facts(policy, summarise(read_header(path)))
        dataset = read_object(path.read_bytes())
        metadata = msgspec.json.decode(msgspec.json.encode(to_json(dataset, "/".join)))
        of_origin = instance_facts(policy, summarise_json(metadata, str(dataset.file_meta.TransferSyntaxUID)))
        assert stored == read_again == of_origin, path.name
        answered |= {str(one) for one in stored["filters"]}
    assert len(answered) >= len(QUESTIONS) - 1, "hardly any question is answered with yes"
