"""What came of one tenant's dcm4chee hears nothing of what happens in another."""

from datetime import UTC, datetime

from pacsgate.bootstrap.occurrences import HeardBy
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantName, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.ports.occurrences import Occurrence, OccurrenceKind

OWN = TenantScope(DEFAULT_TENANT)


class Ear:
    def __init__(self) -> None:
        self.heard: list[Occurrence] = []

    def happened(self, occurrence: Occurrence) -> None:
        self.heard.append(occurrence)


def test_only_what_happens_in_its_own_tenant_is_passed_on() -> None:
    ear = Ear()
    for tenant in (DEFAULT_TENANT, TenantName("north")):
        HeardBy(OWN, ear).happened(
            Occurrence(
                OccurrenceKind.STUDY_ARRIVED,
                TenantScope(tenant),
                ArchiveName("main"),
                datetime(2026, 11, 22, tzinfo=UTC),
                "s1",
                Subject(tenant, "ct1"),
            )
        )
    assert [each.scope for each in ear.heard] == [OWN]
