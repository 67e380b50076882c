"""What was stored, as an occurrence that permissions may be derived from.

Called by `store_instances`.
"""

from pydicom.dataset import Dataset

from pacsgate.dicom.attributes import KEPT_KEYWORDS, tag_of
from pacsgate.dicom.reading import UNREADABLE
from pacsgate.dicom.summary import InstanceSummary
from pacsgate.model.context import Context
from pacsgate.model.resource import ArchiveName, Level, TenantScope
from pacsgate.model.subject import Subject
from pacsgate.ports.occurrences import Occurrence, OccurrenceKind

_OF_INSTANCES = frozenset(map(tag_of, KEPT_KEYWORDS[Level.INSTANCE]))


def arrival(
    kind: OccurrenceKind,
    scope: TenantScope,
    archive: ArchiveName,
    subject: Subject,
    context: Context,
    summary: InstanceSummary,
) -> Occurrence:
    """The arrival of a study, or of a series, of which `summary` is an object."""
    return Occurrence(
        kind=kind,
        scope=scope,
        archive=archive,
        at=context.now,
        source=summary.study_instance_uid,
        subject=subject,
        calling_ae_title=context.calling_ae_title,
        study_instance_uid=summary.study_instance_uid,
        data_set=_of_series(summary),
    )


def _of_series(summary: InstanceSummary) -> Dataset:
    """Patient, study and series attributes; what cannot be put into a data set is left out."""
    known = Dataset()
    for tag, element in summary.header.items():
        if tag not in _OF_INSTANCES:
            try:
                known.update(Dataset.from_json({tag: element}))
            except UNREADABLE:
                continue
    return known
