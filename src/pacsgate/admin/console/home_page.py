"""The first page: what matters to this person now.

Called by `routes`.
"""

from dataclasses import dataclass

import anyio
from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.held_roles import held_roles
from pacsgate.admin.console.signed_in import Visitor, Visitors
from pacsgate.admin.console.study_rows import Shown
from pacsgate.dicom.query import Query
from pacsgate.model.actions import Action
from pacsgate.model.resource import Level
from pacsgate.services.browse_studies import BrowseStudies
from pacsgate.services.live_policy import NoPolicyError
from pacsgate.services.resolve import Refusal

_NEWEST = 6


@dataclass(frozen=True, slots=True)
class Home:
    """What the first page works with."""

    visitors: Visitors
    browse: BrowseStudies
    has_viewer: bool

    def routes(self) -> list[Route]:
        """Its route."""
        return [Route("/", self.visitors.only(self._page), methods=["GET"])]

    async def _page(self, visitor: Visitor) -> Response:
        return await anyio.to_thread.run_sync(self._home, visitor)

    def _home(self, visitor: Visitor) -> Response:
        caller, archive = visitor.caller, self.browse.main_archive
        try:
            bound = self.browse.bind(caller, archive)
        except NoPolicyError:
            return visitor.render("home.html", has_policy=False, roles=())
        if bound.could(Action.SEARCH) is not None:
            # Not asked, so not refused: an administrator's first page is no alert.
            return visitor.render("home.html", has_policy=True, may_search=False, roles=held_roles(bound))
        found = self.browse.find(caller, archive, Query(Level.STUDY, limit=_NEWEST), "")
        rows = () if isinstance(found, Refusal) else found.rows
        return visitor.render(
            "home.html",
            has_policy=True,
            may_search=True,
            roles=held_roles(bound),
            studies=[Shown(row) for row in rows],
            total=0 if isinstance(found, Refusal) else len(rows) + found.remaining,
            has_viewer=self.has_viewer,
        )
