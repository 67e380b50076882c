"""What archives on other machines do alike: an object read whole, a walk from study to study.

Called by the archives `dicomweb`, `orthanc` and `dimse`.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pydicom.dataset import Dataset

from pacsgate.dicom.reading import read_object
from pacsgate.model.errors import ArchiveError, RequestError
from pacsgate.ports import Arrival, ByteSource
from pacsgate.upstream.sorted_uids import SortedUids

MAX_DATASET_BYTES = 1 << 31


def whole_data_set(source: ByteSource, workspace: Path) -> Dataset:
    """The data set of an object, by way of a file that nobody else sees.

    Raises `ArchiveError` if the object is damaged or larger than 2 GiB.
    """
    with tempfile.TemporaryFile(dir=workspace) as file:
        for chunk in source.chunks():
            file.write(chunk)
            if file.tell() > MAX_DATASET_BYTES:
                raise ArchiveError("the archive's object is too large to be looked into")
        file.seek(0)
        try:
            return read_object(file)
        except RequestError as damage:
            raise ArchiveError("the archive holds a damaged object", detail=damage.public) from None


def walk_studies(
    names: Iterable[str],
    arrivals_of: Callable[[str], Iterator[Arrival]],
    cursor: str | None,
    workspace: Path,
) -> Iterator[Arrival]:
    """Every instance, study by study in the order of the studies' names, each with its cursor.

    The cursor is the last study that is complete, so stopping inside a study means
    reading that study again.
    """
    done = cursor or ""
    with SortedUids(workspace) as in_order:
        for name in names:
            in_order.add(name)
        for name in in_order:
            if name <= done:
                continue
            held: Arrival | None = None
            for arrival in arrivals_of(name):
                if held is not None:
                    yield replace(held, cursor=done)
                held = arrival
            done = name
            if held is not None:
                yield replace(held, cursor=done)
