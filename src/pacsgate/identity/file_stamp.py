"""What changes when somebody writes a file: by it a process notices, and nobody need tell it.

A file may be written anew within one tick of the clock, or put in another's place by a rename: so its
size and number count besides its time.

Called by `sealing` and `certificates`, and by `bootstrap` for certificates and policies.
"""

import os
from pathlib import Path


def file_stamp(file: Path) -> object:
    """Of a file as it is; why it cannot be looked at, while that is so."""
    try:
        return stamp_of(file.stat())
    except OSError as error:
        return error.errno


def stamp_of(found: os.stat_result) -> tuple[int, int, int]:
    """Of a file that has been looked at."""
    return found.st_mtime_ns, found.st_size, found.st_ino
