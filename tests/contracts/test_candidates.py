"""What every store of revisions that are not live promises."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from pacsgate.audit.canonical import decode_event
from pacsgate.model.actions import Action
from pacsgate.model.resource import TenantName, TenantScope
from pacsgate.ports.candidates import Candidate, PendingRevision, ShadowDifference, ShadowReport
from pacsgate.stores.stores import Stores
from tests.support.events import READ
from tests.support.indexing import MAIN, SCOPE, SEEN

OTHER = TenantScope(TenantName("other"))
WAITING = PendingRevision("0123456789ab", {"policy.yaml": "version: 1\n"}, SEEN, "policy-files", 12, 3)
SHADOW = Candidate("cdef01234567", {"b.yaml": "version: 1 # \u5c71\n"}, SEEN, "ann")
DIFFERENCE = ShadowDifference("rad1", MAIN, Action.VIEW, "all of it", "refused", 2, "1.2.3", SEEN)


def test_one_revision_waits_until_it_is_released(stores: Stores) -> None:
    candidates = stores.candidates
    assert candidates.pending(SCOPE) is None
    for revision in (WAITING, replace(WAITING, revision="ffff01234567", gained=2**40)):
        candidates.hold(SCOPE, revision, READ)
        assert candidates.pending(SCOPE) == revision
    assert candidates.pending(OTHER) is None
    candidates.release(SCOPE, READ)
    assert candidates.pending(SCOPE) is None
    assert len(stores.outbox.pending()) == 3


def test_holding_leaves_an_event(stores: Stores) -> None:
    stores.candidates.hold(SCOPE, WAITING, READ)
    ((_, event),) = stores.outbox.pending()
    assert decode_event(event) == READ


def test_what_waits_and_what_is_in_the_shadow_are_apart(stores: Stores) -> None:
    candidates = stores.candidates
    candidates.hold(SCOPE, WAITING, READ)
    candidates.cast_shadow(SCOPE, SHADOW, READ)
    assert (candidates.pending(SCOPE), candidates.shadow(SCOPE)) == (WAITING, SHADOW)
    assert candidates.shadow(OTHER) is None
    candidates.cast_shadow(SCOPE, None, READ)
    assert (candidates.pending(SCOPE), candidates.shadow(SCOPE)) == (WAITING, None)


def test_counts_add_up_and_the_newest_study_is_the_sample(stores: Stores) -> None:
    candidates = stores.candidates
    candidates.cast_shadow(SCOPE, SHADOW, READ)
    rarer = replace(DIFFERENCE, subject="rad2", requests=1, study_instance_uid=None)
    newer = replace(DIFFERENCE, study_instance_uid="1.2.4")
    candidates.note_shadow(SCOPE, SHADOW.revision, compared=10, passed_over=1, differences=[DIFFERENCE])
    candidates.note_shadow(SCOPE, SHADOW.revision, compared=5, passed_over=0, differences=[newer, rarer])
    expected = ShadowReport(15, 1, 5, (replace(newer, requests=4), rarer))
    assert candidates.shadow_report(SCOPE, 10) == expected
    assert candidates.shadow_report(SCOPE, 1).differences == expected.differences[:1]
    assert candidates.shadow_report(OTHER, 10) == ShadowReport(0, 0, 0, ())


def test_counts_are_those_of_the_revision_in_the_shadow(stores: Stores) -> None:
    candidates = stores.candidates
    candidates.cast_shadow(SCOPE, SHADOW, READ)
    candidates.note_shadow(SCOPE, SHADOW.revision, compared=1, passed_over=0, differences=[DIFFERENCE])
    candidates.note_shadow(SCOPE, "another", compared=1, passed_over=0, differences=[DIFFERENCE])
    assert candidates.shadow_report(SCOPE, 10).compared == 1
    candidates.cast_shadow(SCOPE, replace(SHADOW, revision="another"), READ)
    assert candidates.shadow_report(SCOPE, 10) == ShadowReport(0, 0, 0, ())


def test_processes_that_count_at_once_lose_nothing(stores: Stores, another_process: Stores) -> None:
    stores.candidates.cast_shadow(SCOPE, SHADOW, READ)

    def count(number: int) -> None:
        candidates = (stores, another_process)[number % 2].candidates
        candidates.note_shadow(
            SCOPE, SHADOW.revision, compared=1, passed_over=0, differences=[replace(DIFFERENCE, requests=1)]
        )

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(24)))
    report = stores.candidates.shadow_report(SCOPE, 10)
    assert (report.compared, report.differing, len(report.differences)) == (24, 24, 1)
