"""What may stand in a variable segment of a path.

Called by `routing`, which gives each variable of a template its reader by name.

Standard: PS3.5 6.2 and 9.1 (AE, UI), PS3.18 10.4.1.1.6 (frame lists).
"""

import re

from pacsgate.dicom.json_model import MAX_DEPTH, TagPath
from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.errors import RequestError

MAX_FRAMES_ASKED = 1000
"""In one request; a viewer asks for a handful, and an answer is built frame by frame."""

_FRAMES = re.compile(r"[1-9][0-9]{0,8}(?:,[1-9][0-9]{0,8})*")
_AE_TITLE = re.compile(r"(?=.*[^ ])[ -\[\]-~]{1,16}")
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_ITEM = re.compile(r"[1-9][0-9]{0,6}")


def read_uid(text: str) -> str:
    """Read a UID, as far as its form can be judged."""
    if not is_valid_uid(text):
        raise RequestError("path has a malformed UID: expected up to 64 digits and single dots")
    return text


def read_frames(text: str) -> tuple[int, ...]:
    """Read a list of frame numbers, which count from 1; order and repetitions are kept."""
    if not _FRAMES.fullmatch(text):
        raise RequestError("path has a malformed frame list: expected numbers from 1, separated by commas")
    frames = tuple(int(number) for number in text.split(","))
    if len(frames) > MAX_FRAMES_ASKED:
        raise RequestError(f"path asks for more than {MAX_FRAMES_ASKED} frames at once")
    return frames


def read_ae_title(text: str) -> str:
    """Read an AE title; spaces around it carry no meaning."""
    if not _AE_TITLE.fullmatch(text):
        raise RequestError("path has a malformed AE title: expected 1 to 16 printable characters")
    return text.strip(" ")


def read_tag_path(segments: tuple[str, ...]) -> TagPath:
    """Read the place of one value: a tag, or an item number and a tag below it, and so on."""
    well_formed = (
        len(segments) % 2 == 1
        and len(segments) < 2 * MAX_DEPTH
        and all(_TAG.fullmatch(tag) for tag in segments[::2])
        and all(_ITEM.fullmatch(item) for item in segments[1::2])
    )
    if not well_formed:
        raise RequestError("path has a malformed attribute: expected `tag` or `tag/item/tag`, items from 1")
    return tuple(segment.upper() for segment in segments)
