"""All routes of the console's own pages.

Called by `bootstrap`, which mounts them beside the doors; pages of administration and of
identity sources come in modules of their own and are mounted beside these.
"""

from dataclasses import dataclass

from starlette.routing import Route

from pacsgate.admin.console.access_pages import AccessPages
from pacsgate.admin.console.assets import asset_route
from pacsgate.admin.console.entry_pages import Entry, entry_routes
from pacsgate.admin.console.home_page import Home
from pacsgate.admin.console.security_pages import SecurityPages
from pacsgate.admin.console.studies_pages import StudiesPages
from pacsgate.admin.console.study_page import StudyPage


@dataclass(frozen=True, slots=True)
class Console:
    """The pages for people."""

    entry: Entry
    home: Home
    studies: StudiesPages
    study: StudyPage
    access: AccessPages
    security: SecurityPages


def console_routes(console: Console) -> list[Route]:
    """The routes of every page."""
    return [
        asset_route(),
        *entry_routes(console.entry),
        *console.home.routes(),
        *console.studies.routes(),
        *console.study.routes(),
        *console.access.routes(),
        *console.security.routes(),
    ]
