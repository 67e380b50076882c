"""Moves a built OHIF viewer from the root of a site, for which its makers build it, to `/viewer/`.

A build names its own place in few spots: its page, its style sheet, and the
start of each script that loads others.  They are replaced by name, and one that
is not found means that this is another build than the one that was pinned.

Called by `viewer`.
"""

from dataclasses import dataclass
from pathlib import Path

from pacsgate.model.errors import SettingsError

BASE = "/viewer/"


@dataclass(frozen=True, slots=True)
class _Spot:
    """Files of the build, by pattern, and what in them names the root of the site."""

    files: str
    root: str
    moved: str


_SPOTS = (
    _Spot("index.html", 'href="/', f'href="{BASE}'),
    _Spot("index.html", 'src="/', f'src="{BASE}'),
    _Spot("index.html", 'content="/', f'content="{BASE}'),
    _Spot("index.html", 'window.PUBLIC_URL="/"', f'window.PUBLIC_URL="{BASE}"'),
    _Spot("manifest.json", '"src": "/', f'"src": "{BASE}'),
    _Spot("app.bundle.css", "url(/", f"url({BASE}"),
    _Spot("*.js", '__webpack_require__.p = "/";', f'__webpack_require__.p = "{BASE}";'),
    _Spot(
        "app.bundle.*.js",
        "browserImportFunction('/dicom-microscopy-viewer/",
        f"browserImportFunction('{BASE}dicom-microscopy-viewer/",
    ),
)


def move_to_base(directory: Path) -> None:
    """Change the files of an unpacked build in place."""
    for spot in _SPOTS:
        holders = [file for file in directory.glob(spot.files) if spot.root in file.read_text("utf-8")]
        if not holders:
            raise SettingsError(f"this build of the viewer does not hold `{spot.root}` in `{spot.files}`")
        for file in holders:
            file.write_text(file.read_text("utf-8").replace(spot.root, spot.moved), "utf-8", newline="")
