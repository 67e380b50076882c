"""My studies: a search by every key, or by the query language; in order, page by page.

Called by `routes`.

Invariants:
- a list shows what `BrowseStudies` found for this very person, and nothing beside it;
- no address holds what was searched for (`kept_search`).

Standard: PS3.18 10.6 (what a search finds).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlencode

import anyio
from anyio import CapacityLimiter
from starlette.responses import Response
from starlette.routing import Route

from pacsgate.admin.console.kept_search import KeptSearches
from pacsgate.admin.console.page import see_other
from pacsgate.admin.console.signed_in import Visitor, Visitors
from pacsgate.admin.console.study_rows import Shown
from pacsgate.admin.console.study_search import FURTHER, MAIN, ORDERS, PAGE, SORTABLE, StudySearch
from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName
from pacsgate.services.browse_studies import BrowseStudies
from pacsgate.services.resolve import Refusal

_QUERIES_AT_A_TIME = 2
"""Searches by query of one worker: they may read files for seconds."""
_MODALITIES = (
    *("CR", "CT", "DX", "ES", "IO", "MG", "MR", "NM", "OP", "OT", "PT", "RF"),
    *("RTDOSE", "RTSTRUCT", "SC", "SEG", "SM", "SR", "US", "XA"),
)


@dataclass(frozen=True, slots=True)
class StudiesPages:
    """What the pages of lists work with."""

    visitors: Visitors
    browse: BrowseStudies
    searches: KeptSearches
    has_viewer: bool
    query_limiter: CapacityLimiter = field(default_factory=partial(CapacityLimiter, _QUERIES_AT_A_TIME))

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            Route("/studies", self.visitors.only(self._list), methods=["GET"]),
            Route("/studies", self.visitors.only(self._search), methods=["POST"]),
        ]

    async def _search(self, visitor: Visitor) -> Response:
        form = await visitor.form()
        search, query = StudySearch.read(form.values()), form["query"].strip()
        asked = {"query": query} if query else dict(search.values)
        address = {"archive": form["archive"], "previews": form["previews"]}
        if form["by"] == "query":
            address["by"] = "query"
        if asked:
            address["q"] = await anyio.to_thread.run_sync(self.searches.keep, visitor.subject, asked)
        return see_other(f"/studies{_query(address)}")

    async def _list(self, visitor: Visitor) -> Response:
        asked = _Asked.of(visitor, self)
        if asked.by_query:
            return await anyio.to_thread.run_sync(
                partial(self._by_query, visitor, asked), limiter=self.query_limiter
            )
        return await anyio.to_thread.run_sync(self._by_keys, visitor, asked)

    def _by_keys(self, visitor: Visitor, asked: "_Asked") -> Response:
        search = StudySearch.read(asked.values)
        show = partial(self._show, visitor, asked, search=search)
        said = ""
        try:
            find = partial(self.browse.find, visitor.caller, asked.archive, written=search.written)
            if asked.order in ORDERS and asked.order != "date":
                found = find(query=search.query(limit=SORTABLE, offset=0))
                if not isinstance(found, Refusal) and not found.remaining:
                    rows = _in_order([Shown(row) for row in found.rows], asked.order)
                    return show(rows=rows[asked.offset : asked.offset + PAGE], total=len(rows))
                said = f"More than {SORTABLE:,} studies match, so the newest come first. Narrow the search."
            found = find(query=search.query(limit=PAGE, offset=asked.offset))
        except RequestError as refused:
            return show(problem=refused.public, status=refused.status)
        if isinstance(found, Refusal):
            return show(refusal=found, status=403)
        total = asked.offset + len(found.rows) + found.remaining
        return show(rows=[Shown(row) for row in found.rows], total=total, said=said)

    def _by_query(self, visitor: Visitor, asked: "_Asked") -> Response:
        written = asked.values.get("query", "")
        show = partial(self._show, visitor, asked, search=StudySearch({}), written=written)
        if not written:
            return show()
        try:
            found = self.browse.find_instances(
                visitor.caller, asked.archive, written, limit=PAGE, cursor=asked.cursor
            )
        except RequestError as refused:
            return show(problem=refused.public, status=refused.status)
        if isinstance(found, Refusal):
            return show(refusal=found, status=403)
        return show(
            instances=[Shown(row) for row in found.rows],
            cursor=None if found.cursor is None else str(found.cursor),
            said="The time of one search was over: there may be more." if found.out_of_time else "",
        )

    def _show(
        self,
        visitor: Visitor,
        asked: "_Asked",
        *,
        search: StudySearch,
        status: int = 200,
        rows: Sequence[Shown] = (),
        total: int = 0,
        instances: Sequence[Shown] | None = None,
        cursor: str | None = None,
        written: str = "",
        refusal: Refusal | None = None,
        problem: str = "",
        said: str = "",
    ) -> Response:
        bound = self.browse.bind(visitor.caller, asked.archive)
        archives = self.browse.archives.of(visitor.caller.scope)
        return visitor.render(
            "studies.html",
            status=status,
            asked=asked,
            search=search,
            main=MAIN,
            further=FURTHER,
            modalities=[("", "Any"), *((code, code) for code in _MODALITIES)],
            orders=ORDERS,
            archives=archives,
            archive_choices=[(name, name) for name in archives],
            rows=rows,
            total=total,
            instances=instances,
            cursor=cursor,
            written=written,
            refusal=refusal,
            problem=problem,
            said=said,
            page_size=PAGE,
            has_viewer=self.has_viewer and asked.is_main,
            may_view=bound.could(Action.VIEW) is None,
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address of a list says."""

    archive: ArchiveName
    is_main: bool
    word: str
    values: Mapping[str, str]
    by_query: bool
    order: str
    offset: int
    cursor: str | None
    previews: bool

    @classmethod
    def of(cls, visitor: Visitor, pages: StudiesPages) -> "_Asked":
        given = visitor.request.query_params
        archive = pages.browse.archive(visitor.caller, given.get("archive", ""))
        word = given.get("q", "")
        offset = given.get("offset", "0")
        return cls(
            archive=archive,
            is_main=pages.browse.is_main(visitor.caller, archive),
            word=word,
            values=pages.searches.recall(visitor.subject, word) if word else {},
            by_query=given.get("by") == "query",
            order=given.get("order", "date"),
            offset=int(offset) if offset.isascii() and offset.isdigit() and len(offset) < 10 else 0,
            cursor=given.get("cursor"),
            previews=given.get("previews") == "yes",
        )

    def address(self, **changes: object) -> str:
        """This list with something changed; back at its first page unless that is what changes."""
        said: dict[str, object] = {
            "archive": "" if self.is_main else self.archive,
            "by": "query" if self.by_query else "",
            "q": self.word,
            "order": "" if self.order == "date" else self.order,
            "previews": "yes" if self.previews else "",
        }
        return f"/studies{_query({**said, **changes})}"

    @property
    def dicomweb(self) -> str:
        """Where the images of this archive are."""
        return "/dicom-web" if self.is_main else f"/archives/{self.archive}/dicom-web"

    def study(self, uid: str) -> str:
        """The page of a study of this list."""
        return f"/studies/{uid}" if self.is_main else f"/studies/{uid}?archive={self.archive}"


def _in_order(rows: list[Shown], order: str) -> list[Shown]:
    """Rows by a column, those without a value last."""
    keyword, _ = ORDERS[order]
    return sorted(rows, key=lambda row: (row[keyword] == "", row[keyword].casefold()))


def _query(parameters: Mapping[str, object]) -> str:
    told = {name: str(value) for name, value in parameters.items() if value not in {"", None, 0}}
    return f"?{urlencode(told)}" if told else ""
