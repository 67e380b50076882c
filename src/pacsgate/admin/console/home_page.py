"""The first page: what matters to this person now, and to an administrator what others changed.

Called by `routes`.
"""

from dataclasses import dataclass

import anyio
from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.changes_by_others import changes_by_others
from pacsgate.admin.console.held_roles import held_roles
from pacsgate.admin.console.page import see_other
from pacsgate.admin.console.signed_in import Visitor, Visitors
from pacsgate.admin.console.study_rows import Shown
from pacsgate.dicom.query import Query
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import Level
from pacsgate.model.tenant_archives import NO_ARCHIVE
from pacsgate.services.browse_studies import BrowseStudies
from pacsgate.services.live_policy import NoPolicyError
from pacsgate.services.resolve import Refusal
from pacsgate.services.tell_changes import TellChanges

_NEWEST = 6
_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Home:
    """What the first page works with."""

    visitors: Visitors
    browse: BrowseStudies
    changes: TellChanges
    has_viewer: bool

    def routes(self) -> list[Route]:
        """Its route, and that of the form on it."""
        return [
            Route("/", self.visitors.only(self._page), methods=["GET"]),
            Route("/changes-seen", self.visitors.only(self._seen), methods=["POST"]),
        ]

    async def _page(self, visitor: Visitor) -> Response:
        return await anyio.to_thread.run_sync(self._home, visitor)

    async def _seen(self, visitor: Visitor) -> Response:
        form = await visitor.form()
        number = form["up_to"]
        if not number.isascii() or not number.isdecimal() or len(number) > _DIGITS:
            raise RequestError("this form says not what was seen: reload the page")
        await anyio.to_thread.run_sync(self.changes.see, visitor.caller, int(number))
        return see_other("/")

    def _home(self, visitor: Visitor) -> Response:
        others = changes_by_others(self.changes.unseen(visitor.caller), visitor.permissions)
        caller = visitor.caller
        archive = self.browse.archives.main(caller.scope)
        try:
            bound = self.browse.bind(caller, archive)
        except NoPolicyError:
            return visitor.render("home.html", has_policy=False, roles=(), others=others)
        if archive == NO_ARCHIVE or bound.could(Action.SEARCH) is not None:
            # Not asked, so not refused: an administrator's first page is no alert.
            return visitor.render(
                "home.html", has_policy=True, may_search=False, roles=held_roles(bound), others=others
            )
        found = self.browse.find(caller, archive, Query(Level.STUDY, limit=_NEWEST), "")
        rows = () if isinstance(found, Refusal) else found.rows
        return visitor.render(
            "home.html",
            has_policy=True,
            may_search=True,
            roles=held_roles(bound),
            others=others,
            studies=[Shown(row) for row in rows],
            total=0 if isinstance(found, Refusal) else len(rows) + found.remaining,
            has_viewer=self.has_viewer,
        )
