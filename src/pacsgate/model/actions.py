"""What one can do to images: a closed list onto which every door maps.

Every route, DIMSE service and foreign permission becomes one or more of these
words before a policy sees it, so that no policy ever speaks of URLs.
"""

from enum import StrEnum


class Action(StrEnum):
    """One thing that a subject may be allowed to do to a patient, study, series or instance."""

    SEARCH = "search"
    """Learn that it exists: QIDO-RS, C-FIND, lists."""
    VIEW = "view"
    """See it: metadata, rendered images, thumbnails, frames, bulk data."""
    RETRIEVE = "retrieve"
    """Take DICOM objects to oneself: WADO-RS, WADO-URI, C-GET, C-MOVE to oneself."""
    STORE = "store"
    """Bring a study that the archive does not hold yet."""
    APPEND = "append"
    """Bring more instances of a study that the archive holds."""
    ANNOTATE = "annotate"
    """Bring SR, presentation states, key objects or segmentations about a study that one may view."""
    UPDATE = "update"
    """Change what is stored: modify, label, merge, split."""
    DELETE = "delete"
    """Remove a patient, study, series or instance."""
    EXPORT = "export"
    """Take what is built to leave: zip, media, C-MOVE elsewhere.  Needs `RETRIEVE` too."""
    SHARE = "share"
    """Mint a link or a grant for somebody else."""


ALL_ACTIONS: frozenset[Action] = frozenset(Action)
