"""Links between accounts and people of identity sources, made and taken away by hand.

Sources link people by themselves when they first sign in.  By hand one links an account to somebody who is
called otherwise there, and takes a link away when a source has given somebody a new id.

Called by the command line.

Invariants:
- whoever came in by a link that is taken away is out at the next request.

Standard: OWASP ASVS 5.0 6.8.1.
"""

from pacsgate.audit.events import EventKind
from pacsgate.model.errors import NotFoundError, RequestError
from pacsgate.model.resource import TenantScope
from pacsgate.ports.identity_sources import IdentityLink, IdentityLinks
from pacsgate.services.administer_sessions import SessionAdministration
from pacsgate.services.administration import Change, Office


class LinkAdministration:
    """The identity links of a tenant."""

    def __init__(self, office: Office, links: IdentityLinks, sessions: SessionAdministration) -> None:
        self._office = office
        self._links = links
        self._sessions = sessions

    def links(self, scope: TenantScope, user: str | None = None) -> tuple[IdentityLink, ...]:
        """Every link, or those of one account."""
        return self._links.links(scope, user=user)

    def add(self, change: Change, user: str, source: str, external_id: str) -> IdentityLink:
        """Say that an account is this person of a source.  Raises `NotFoundError`, `ConflictError`."""
        if not external_id or not external_id.isprintable():
            raise RequestError("the id that the source knows the person by must be one printable line")
        if self._office.directory.user(change.scope, user) is None:
            raise NotFoundError(f"no user is called `{user}`; `pacsgate user list` shows those that exist")
        link = IdentityLink(source, external_id, user, change.at)
        told = {"source": source, "external_id": external_id}
        self._links.link(
            change.scope, link, change.event(EventKind.USER_CHANGED, "linked", user, study=None, **told)
        )
        self._office.publish()
        return link

    def remove(self, change: Change, source: str, external_id: str) -> IdentityLink:
        """Take a link away, and end the sessions that were begun by it.  Raises `NotFoundError`."""
        link = self._links.linked(change.scope, source, external_id)
        user = "" if link is None else link.user
        told = {"source": source, "external_id": external_id}
        event = change.event(EventKind.USER_CHANGED, "unlinked", user, study=None, **told)
        self._links.unlink(change.scope, source, external_id, event)
        self._sessions.end_of_source(change, source, user=user)
        self._office.publish()
        return link or IdentityLink(source, external_id, user, change.at)
