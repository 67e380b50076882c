"""What a worklist is asked for beyond what a modality asks for, and how that is taken out again.

A worklist tells what it was asked for and nothing else; a decision needs more than a modality shows its
user.  Return keys narrow nothing, so the same items are found.

Called by the worklist's door.

Invariants:
- nothing that was asked for is changed, and nothing else is passed on.

Standard: PS3.4 K.6.1.2.2 (keys of the worklist), C.2.2.1 (return keys).
"""

import copy
from collections.abc import Iterable

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pacsgate.dicom.attributes import tag_of, vr_of

Path = tuple[str, ...]
"""Tags, from the outermost sequence inwards."""

_CHARACTER_SET = int(tag_of("SpecificCharacterSet"), 16)


def widened(asked: Dataset, paths: Iterable[Path]) -> Dataset:
    """Return what to ask: the same, and for the attributes at these paths."""
    wider = copy.deepcopy(asked)
    for path in paths:
        _add(wider, path)
    return wider


def narrowed(item: Dataset, asked: Dataset) -> Dataset:
    """Return what of an item was asked for."""
    narrower = Dataset()
    for element in item:
        if element.tag == _CHARACTER_SET:
            narrower.add(element)
        elif element.tag in asked:
            wanted = asked[element.tag].value
            if element.VR == "SQ" and wanted:
                inside = Sequence([narrowed(each, wanted[0]) for each in element.value])
                narrower.add_new(element.tag, "SQ", inside)
            else:
                narrower.add(element)
    return narrower


def _add(keys: Dataset, path: Path) -> None:
    name, *inner = path
    tag = int(name, 16)
    if not inner:
        if tag not in keys:
            keys.add_new(tag, vr_of(name), None)
        return
    if tag not in keys:
        keys.add_new(tag, "SQ", Sequence([Dataset()]))
    items = keys[tag].value
    # A sequence without items asks for all that is in it.
    if items:
        _add(items[0], tuple(inner))
