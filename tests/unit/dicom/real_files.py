"""Every DICOM file that pydicom and pynetdicom ship for their own tests: real, odd and broken ones."""

from functools import cache
from pathlib import Path

import pydicom.data
import pynetdicom

from pacsgate.dicom.summarise import read_summary
from pacsgate.model.errors import RequestError


@cache
def every_file() -> tuple[Path, ...]:
    shipped = (Path(name) for name in (*pydicom.data.get_testdata_files(), *pydicom.data.get_charset_files()))
    association = (Path(pynetdicom.__file__).parent / "tests" / "dicom_files").glob("*")
    files = {path.resolve() for path in (*shipped, *association) if path.is_file()}
    return tuple(sorted(files, key=lambda path: (path.name, str(path))))


@cache
def readable_files() -> tuple[Path, ...]:
    """Those that the gate takes for SOP instances."""
    return tuple(path for path in every_file() if _is_instance(path))


def file_named(name: str) -> Path:
    return next(path for path in every_file() if path.name == name)


def _is_instance(path: Path) -> bool:
    try:
        read_summary(path.read_bytes())
    except RequestError:
        return False
    return True
