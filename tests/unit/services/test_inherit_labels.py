"""From where labels are inherited, of an Orthanc whose memory the test makes up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from pacsgate.audit.events import Actor, AuditEvent, EventKind
from pacsgate.model.resource import Level
from pacsgate.ports import StudyIndex
from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.services.inherit_labels import InheritLabels
from pacsgate.stores.stores import stores_on
from tests.support.clocks import HandClock
from tests.support.databases import opened, sqlite_url
from tests.support.indexing import MAIN, SCOPE, SEEN, instance

EVENT = AuditEvent(EventKind.OBJECT_ACCESS_CHANGED, SEEN, Actor("test", verified=True))
SOURCE, TARGET = "1.2.1", "1.2.2"
SOURCE_SERIES = orthanc_id("P1", SOURCE, f"{SOURCE}.1")


@dataclass
class Memory:
    """What Orthanc remembers of each identifier, and what it was asked."""

    made: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[Level, str]] = field(default_factory=list)

    def made_from(self, level: Level, named: str) -> Sequence[str]:
        self.asked.append((level, named))
        return (self.made[named],) if named in self.made else ()

    def studies_of(self, _level: Level, _named: str) -> Sequence[Any]:
        return ()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[StudyIndex]:
    with opened(sqlite_url(tmp_path)) as database:
        index = stores_on(database, {MAIN}).index
        index.ingest(SCOPE, MAIN, [instance(SOURCE), instance(TARGET)], SEEN)
        index.set_labels(SCOPE, MAIN, SOURCE, labels=frozenset({"VIP"}), event=EVENT)
        yield index


def inherit(index: StudyIndex, memory: Memory, study: str, series: str) -> None:
    summary = instance(study, series).summary
    InheritLabels(index, {MAIN: cast("Any", memory)}, HandClock()).for_new(SCOPE, MAIN, [summary, summary])


def labels(index: StudyIndex, study: str) -> object:
    (found,) = index.studies(SCOPE, MAIN, study)
    return found.facts["labels"]


def test_a_series_that_joins_a_study_brings_the_labels_of_where_it_was_made(index: StudyIndex) -> None:
    new = orthanc_id("P1", TARGET, "1.2.2.9")
    memory = Memory({new: SOURCE_SERIES})
    inherit(index, memory, TARGET, "1.2.2.9")
    assert labels(index, TARGET) == {"VIP"}
    assert memory.asked == [(Level.SERIES, new)]


def test_of_what_is_known_nothing_is_asked(index: StudyIndex) -> None:
    memory = Memory()
    inherit(index, memory, TARGET, f"{TARGET}.1")
    assert memory.asked == []


def test_of_a_new_study_both_it_and_its_series_are_asked_about(index: StudyIndex) -> None:
    memory = Memory()
    inherit(index, memory, "1.2.3", "1.2.3.1")
    assert [level for level, _ in memory.asked] == [Level.STUDY, Level.SERIES]


def test_a_source_that_nobody_knows_any_more_is_passed_over(index: StudyIndex) -> None:
    inherit(index, Memory({orthanc_id("P1", "1.2.3"): orthanc_id("gone")}), "1.2.3", "1.2.3.1")
    index.ingest(SCOPE, MAIN, [instance("1.2.3")], SEEN)
    assert labels(index, "1.2.3") == frozenset()
