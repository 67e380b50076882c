"""Names in a body, united: everything once, nothing that was in none of the reaches."""

from datetime import UTC, datetime

from pacsgate.model.actions import Action
from pacsgate.model.decision import Reason, ReasonCode, Revision
from pacsgate.model.mask import NO_MASK, Mask
from pacsgate.model.resource import ArchiveName, Level, ResourceKey
from pacsgate.ports import InstanceEntry, SeriesEntry, StudyEntry
from pacsgate.services.resolve import Part, Reach
from pacsgate.services.united_reach import is_all_of, keys_at, largest_keys, united

REASON = Reason(ReasonCode.PERMITTED_BY_RULE, "a-rule")


def instance(uid: str) -> InstanceEntry:
    return InstanceEntry(uid, "1.2", "1.2.840.10008.1.2.1", 1, 10, None, {})


def study(uid: str = "1", patient_id: str = "P1", **series: int) -> StudyEntry:
    entries = tuple(
        SeriesEntry(f"{uid}.{name}", {}, {}, tuple(instance(f"{uid}.{name}.{n}") for n in range(count)))
        for name, count in series.items()
    )
    return StudyEntry(
        ArchiveName("main"), uid, patient_id, "", {}, {}, entries, datetime(2026, 1, 1, tzinfo=UTC)
    )


def reach(*parts: Part) -> Reach:
    return Reach(Action.RETRIEVE, parts, (REASON,), Revision("r"))


def whole(entry: StudyEntry) -> Reach:
    return reach(*(Part(entry, series, tuple(series.instances), NO_MASK) for series in entry.series))


def first_of(entry: StudyEntry) -> Reach:
    series = entry.series[0]
    return reach(Part(entry, series, (series.instances[0],), NO_MASK))


def test_what_two_names_lead_to_is_there_once() -> None:
    # Two look-ups of one study are two entries of it.
    both = united([first_of(study(a=2, b=1)), whole(study(a=2, b=1))])
    assert both.instance_count == 3
    assert len(both.studies) == 1
    assert both.reasons == (REASON,)


def test_one_uid_under_two_patients_stays_two_studies() -> None:
    assert len(united([whole(study(a=1)), whole(study(patient_id="P2", a=1))]).studies) == 2


def test_a_reach_is_all_of_a_name_only_if_nothing_of_it_is_missing() -> None:
    entry = study(a=2, b=1)
    name = ResourceKey("1", patient_id="P1")
    assert is_all_of(whole(entry), [name])
    assert not is_all_of(first_of(entry), [name])
    assert is_all_of(first_of(entry), [ResourceKey("1", "1.a", "1.a.0", "P1")])
    assert not is_all_of(first_of(entry), [ResourceKey("1", "1.a", patient_id="P1")])
    assert not is_all_of(whole(entry), [name, ResourceKey("2", patient_id="P1")]), (
        "a study of the patient is hidden"
    )


def test_what_is_whole_goes_by_its_own_name_and_the_rest_instance_by_instance() -> None:
    entry = study(a=2, b=1)
    other = study("2", a=1)
    parts = (*whole(other).parts, Part(entry, entry.series[0], tuple(entry.series[0].instances[:1]), NO_MASK))
    parts += (
        Part(entry, entry.series[1], tuple(entry.series[1].instances), Mask(frozenset({"PatientName"}))),
    )
    assert largest_keys(reach(*parts)) == (
        ResourceKey("2", patient_id="P1"),
        ResourceKey("1", "1.a", "1.a.0", "P1"),
        ResourceKey("1", "1.b", patient_id="P1"),
    )


def test_a_patient_is_its_studies() -> None:
    one, two = study(a=1), study("2", a=1)
    found = reach(*whole(one).parts, *whole(two).parts)
    assert (
        keys_at(found, Level.PATIENT)
        == keys_at(found, Level.STUDY)
        == (
            ResourceKey("1", patient_id="P1"),
            ResourceKey("2", patient_id="P1"),
        )
    )
    assert keys_at(found, Level.SERIES)[0] == ResourceKey("1", "1.a", patient_id="P1")
    assert len(keys_at(found, Level.INSTANCE)) == 2
