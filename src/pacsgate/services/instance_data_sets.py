"""What the archive says of some instances of one series: their whole data sets, bulk data apart.

Called by `search_instances`.

Invariants:
- a series is asked for by its own name only if all of its instances are wanted;
- an instance that the archive no longer holds is left out.
"""

from collections.abc import Mapping, Sequence

from pacsgate.dicom.json_model import to_json
from pacsgate.dicom.summary import DicomJson
from pacsgate.model.errors import GoneError
from pacsgate.model.resource import ArchiveName, ResourceKey, TenantScope
from pacsgate.ports import Archive, StudyIndex


def data_sets(
    index: StudyIndex,
    source: Archive,
    scope: TenantScope,
    archive: ArchiveName,
    instances: Sequence[ResourceKey],
) -> Mapping[str, DicomJson]:
    """The data sets by SOP Instance UID, in which bulk data is an empty link.  Raises `ArchiveError`."""
    series = ResourceKey(instances[0].study_instance_uid, instances[0].series_instance_uid)
    held = sum(
        len(part.instances)
        for study in index.studies(scope, archive, series.study_instance_uid)
        for part in study.series
        if part.series_instance_uid == series.series_instance_uid
    )
    wanted = {key.sop_instance_uid for key in instances}
    found: dict[str, DicomJson] = {}
    for key in (series,) if held == len(instances) > 1 else instances:
        try:
            for dataset in source.headers(key):
                uid = str(dataset.get("SOPInstanceUID", ""))
                if uid in wanted:
                    found[uid] = to_json(dataset, lambda _place: "")
        except GoneError:
            continue
    return found
