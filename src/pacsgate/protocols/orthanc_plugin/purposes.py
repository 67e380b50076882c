"""What links are for: the token types of the plugin, and the address at which each opens.

Called by the plugin's door and by `share_objects`.

Standard: Orthanc Book, "Advanced authorization plugin"; the viewers' own documentation of their URLs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import quote, urlencode

from pacsgate.model.share import SharedObject

_Objects = Sequence[SharedObject]


class Purpose(StrEnum):
    """A token type that can be minted here.

    MedDream's are not among them: they need a token of MedDream's own service.
    """

    STONE_VIEWER = "stone-viewer-publication"
    OHIF_VIEWER = "ohif-viewer-publication"
    OSIMIS_VIEWER = "osimis-viewer-publication"
    VOLVIEW_VIEWER = "volview-viewer-publication"
    VIEWER_NOW = "viewer-instant-link"
    DOWNLOAD_NOW = "download-instant-link"

    @property
    def is_instant(self) -> bool:
        """Whether it is for the very click that asked for it."""
        return self in {Purpose.VIEWER_NOW, Purpose.DOWNLOAD_NOW}


LONGEST_INSTANT = timedelta(hours=1)
"""Orthanc Explorer 2 asks for 200 seconds; a viewer goes on asking while somebody reads."""


@dataclass(frozen=True, slots=True)
class PublicRoots:
    """Where browsers reach Orthanc and the viewers; each ends with a slash.

    `landing` is the page that opens a link, where there is one.
    """

    orthanc: str
    ohif: str | None = None
    landing: str | None = None


def opening_url(purpose: Purpose, objects: _Objects, text: str, roots: PublicRoots) -> str | None:
    """Where a viewer opens; `None` for a purpose whose page puts the token into its own link."""
    make = _URLS.get(purpose)
    return None if make is None else make(objects, quote(text), roots)


def link_url(purpose: Purpose, objects: _Objects, text: str, roots: PublicRoots) -> str | None:
    """What is handed to whoever asked: the landing page where there is one, else the viewer."""
    url = opening_url(purpose, objects, text, roots)
    return url if url is None or roots.landing is None else f"{roots.landing}?{urlencode({'token': text})}"


def _uids(objects: _Objects) -> str:
    return ",".join(one.uid for one in objects)


def _ids(objects: _Objects) -> str:
    return ",".join(one.orthanc_id for one in objects)


def _stone(objects: _Objects, token: str, roots: PublicRoots) -> str:
    uids = _uids(objects)
    return f"{roots.orthanc}stone-webviewer/index.html?study={uids}&selectedStudies={uids}&token={token}"


def _ohif(objects: _Objects, token: str, roots: PublicRoots) -> str | None:
    if roots.ohif is None:
        return None
    return f"{roots.ohif}viewer?StudyInstanceUIDs={_uids(objects)}&token={token}"


def _osimis(objects: _Objects, token: str, roots: PublicRoots) -> str:
    ids = _ids(objects)
    page = f"{roots.orthanc}osimis-viewer/app/index.html"
    return f"{page}?pickableStudyIds={ids}&selectedStudyIds={ids}&token={token}"


def _volview(objects: _Objects, token: str, roots: PublicRoots) -> str:
    urls = ",".join(f"../studies/{one.orthanc_id}/archive" for one in objects)
    return f"{roots.orthanc}volview/index.html?names=[archive.zip]&urls={urls}&token={token}"


_URLS: Mapping[Purpose, Callable[[_Objects, str, PublicRoots], str | None]] = {
    Purpose.STONE_VIEWER: _stone,
    Purpose.OHIF_VIEWER: _ohif,
    Purpose.OSIMIS_VIEWER: _osimis,
    Purpose.VOLVIEW_VIEWER: _volview,
}
