"""`…/pacs/{pacs}/agent/…`: what the agent of a PACS hands in and reads, and what came of it for who governs.

Messages and responses have modules of their own; here are features, events, logs and settings.

Called by `bootstrap`, once for each tree; calls `TakeReports`.

Invariants:
- only the agent of the very PACS hands anything in for it.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from pacsgate.admin.api.agent_shapes import (
    Configuration,
    Entries,
    EntryPage,
    EntryTold,
    EventPage,
    Events,
    EventTold,
    Features,
    FieldsTold,
    PresenceTold,
    Taken,
)
from pacsgate.admin.api.problems import problems
from pacsgate.admin.api.tenancy_asking import NeedsAtPacs
from pacsgate.admin.api.trees import Tree
from pacsgate.model.permission import Permission
from pacsgate.services.take_reports import TakeReports
from pacsgate.services.warrants import Warrant

_Reporter = Annotated[Warrant, Depends(NeedsAtPacs(Permission.PACS_RESPONSE_CREATE))]
_LogWriter = Annotated[Warrant, Depends(NeedsAtPacs(Permission.LOGS_WRITE))]
_Configured = Annotated[Warrant, Depends(NeedsAtPacs(Permission.PACS_CONFIGURATION_GET))]
_Extended = Annotated[Warrant, Depends(NeedsAtPacs(Permission.EXTENSION_FIELDS_GET))]
_Governor = Annotated[Warrant, Depends(NeedsAtPacs(Permission.PACS_GET))]

_Before = Annotated[int | None, Query(ge=1, le=2**53, description="Only those with a lesser number.")]
_Limit = Annotated[int, Query(ge=1, le=1000, description="So many rows at most.")]
_PACS = "tenants/{tenant}/pacs/{pacs}"


@dataclass(frozen=True, slots=True)
class _Handlers:
    """What the routes of both trees do."""

    desk: TakeReports

    def put_features(self, warrant: _Reporter, features: Features) -> None:
        """Say what the PACS can do."""
        self.desk.features(warrant, features.value())

    def post_events(self, warrant: _Reporter, events: Events) -> Taken:
        """Tell what happened on site, in order; what is known by its id counts once."""
        told = [event.value() for event in events.events]
        return Taken(taken=self.desk.events(warrant, told, is_all=events.complete))

    def post_logs(self, warrant: _LogWriter, entries: Entries) -> Taken:
        """Hand in lines of the agent's own log, in order."""
        return Taken(taken=self.desk.logs(warrant, [entry.value() for entry in entries.entries]))

    def get_configuration(self, warrant: _Configured) -> Configuration:
        """Read the settings that the agent works with."""
        return Configuration.of(warrant.at())

    def get_extension_fields(self, warrant: _Extended) -> FieldsTold:
        """Read which fields the tenant adds to its identities and visits."""
        return FieldsTold.of(self.desk.tenants.tenant(warrant.scope))

    def list_events(self, warrant: _Governor, before: _Before = None, limit: _Limit = 100) -> EventPage:
        """List what happened on site, newest first."""
        kept = self.desk.reports.events(warrant.scope, warrant.at().pacs, before=before, limit=limit)
        return EventPage(events=[EventTold.of(each) for each in kept])

    def list_logs(self, warrant: _Governor, before: _Before = None, limit: _Limit = 100) -> EntryPage:
        """List the lines of the agent's log, newest first."""
        kept = self.desk.reports.logs(warrant.scope, warrant.at().pacs, before=before, limit=limit)
        return EntryPage(entries=[EntryTold.of(each) for each in kept])

    def get_presence(self, warrant: _Governor) -> PresenceTold:
        """Tell who is where, as far as the door system is believed."""
        pacs = warrant.at().pacs
        people = [each for each in self.desk.reports.whereabouts(warrant.scope) if each.pacs == pacs]
        return PresenceTold.of(self.desk.reports.contact(warrant.scope, pacs), people)


def agent_routes(desk: TakeReports, tree: Tree) -> APIRouter:
    """The routes of one tree."""
    routes = APIRouter(tags=["agents"])
    do = _Handlers(desk)
    for method, path, status, handler in (
        ("PUT", "agent/features", 204, do.put_features),
        ("POST", "agent/events", 200, do.post_events),
        ("POST", "agent/logs", 200, do.post_logs),
        ("GET", "agent/configuration", 200, do.get_configuration),
        ("GET", "agent/extension-fields", 200, do.get_extension_fields),
        ("GET", "events", 200, do.list_events),
        ("GET", "logs", 200, do.list_logs),
        ("GET", "presence", 200, do.get_presence),
    ):
        routes.add_api_route(
            tree.path(f"/{_PACS}/{path}"),
            handler,
            methods=[method],
            status_code=status,
            responses=problems(404),
        )
    return routes
