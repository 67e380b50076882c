"""Labels and collections of a study: what administrators know about it and DICOM does not.

Policies read them as `study.labels` and `study.collections`.

Called by `pacsgate study` and the demo.
"""

from dataclasses import dataclass

from pacsgate.audit.events import EventKind, StudyObject
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.resource import ArchiveName, TenantScope
from pacsgate.ports import StudyEntry, StudyIndex
from pacsgate.services.administration import Change, Office, words

_MAX_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Classification:
    """The labels and collections that a study has."""

    labels: frozenset[str]
    collections: frozenset[str]


class ClassifyStudy:
    """Reads and changes the labels and collections of studies."""

    def __init__(self, office: Office, index: StudyIndex) -> None:
        self._office = office
        self._index = index

    def classification(
        self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str
    ) -> Classification:
        """What a study has now.  Raises `NotFoundError`."""
        facts = self._study(scope, archive, study_instance_uid).facts
        return Classification(
            frozenset(map(str, facts.get("labels", ()))), frozenset(map(str, facts.get("collections", ())))
        )

    def change(
        self,
        change: Change,
        archive: ArchiveName,
        study_instance_uid: str,
        *,
        labels: frozenset[str] | None = None,
        collections: frozenset[str] | None = None,
    ) -> Classification:
        """Replace those that are given; on return the next request obeys."""
        for name in (*(labels or ()), *(collections or ())):
            if not name or len(name) > _MAX_CHARACTERS or not name.isprintable() or name != name.strip():
                raise RequestError(f"a label or collection has 1 to {_MAX_CHARACTERS} printable characters")
        before = self.classification(change.scope, archive, study_instance_uid)
        after = Classification(
            before.labels if labels is None else labels,
            before.collections if collections is None else collections,
        )
        patient = self._study(change.scope, archive, study_instance_uid).patient_id
        event = change.event(
            EventKind.OBJECT_ACCESS_CHANGED,
            "classified",
            study_instance_uid,
            before=_text(before),
            after=_text(after),
            study=StudyObject(study_instance_uid, patient or None),
        )
        self._index.set_labels(
            change.scope, archive, study_instance_uid, labels=labels, collections=collections, event=event
        )
        self._office.publish()
        return after

    def _study(self, scope: TenantScope, archive: ArchiveName, study_instance_uid: str) -> StudyEntry:
        studies = self._index.studies(scope, archive, study_instance_uid)
        if not studies:
            raise NotFoundError(f"no study `{study_instance_uid}` is in the index of `{archive}`")
        return studies[0]


def _text(classification: Classification) -> str:
    return f"labels: {words(classification.labels)}; collections: {words(classification.collections)}"
