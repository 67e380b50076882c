"""A browser signs in with somebody else's word, and is signed out when that word is taken back.

Called by the pages of sign-in; calls a `BrowserSource`, which verifies and records, and `SignIn`, in which
every sign-in of a browser ends.

Invariants:
- a session begun by a source names it, so that a logout there ends it here;
- it does not outlast the session there, where its end is told.

Standard: OpenID Connect Core 3.1; OpenID Connect Back-Channel Logout 1.0 2.7.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pacsgate.audit.events import Actor
from pacsgate.model.context import Context
from pacsgate.model.errors import NotFoundError
from pacsgate.ports import AuthenticationFailed, StartedSession
from pacsgate.ports.browser_sources import BrowserSource, SentAway
from pacsgate.services.administer_sessions import SessionAdministration
from pacsgate.services.administration import Change
from pacsgate.services.sign_in import SignIn


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that has begun, and where its browser wanted to go."""

    started: StartedSession
    return_to: str


class SignInWithSource:
    """The sources at which people may sign in."""

    def __init__(
        self,
        sources: Iterable[BrowserSource],
        sign_in: SignIn,
        sessions: Callable[[], SessionAdministration],
    ) -> None:
        self._sources = {source.name: source for source in sources}
        self._sign_in = sign_in
        self._sessions = sessions

    @property
    def titles(self) -> Mapping[str, str]:
        """The sources by name, with what people call them."""
        return {name: source.title for name, source in self._sources.items()}

    def begin(
        self, name: str, return_to: str, browser_secret: str | None, context: Context
    ) -> SentAway | AuthenticationFailed:
        """Send a browser to a source.  Raises `NotFoundError`."""
        return self._source(name).send(return_to, browser_secret, context)

    def finish(
        self,
        name: str,
        answer: Mapping[str, str],
        browser_secret: str | None,
        context: Context,
        *,
        previous_cookie: str | None,
        user_agent: str,
    ) -> SignedIn | AuthenticationFailed:
        """Begin a session for whom the source has verified.  Raises `NotFoundError`."""
        found = self._source(name).receive(answer, browser_secret, context)
        if isinstance(found, AuthenticationFailed):
            return found
        started = self._sign_in.begin(
            found.subject,
            context,
            previous_cookie=previous_cookie,
            source_session=found.source_session,
            ends_at=found.ends_at,
            user_agent=user_agent,
        )
        return SignedIn(started, found.return_to)

    def sign_out_url(self, name: str) -> str | None:
        """Where a browser ends its session at the source too.  Raises `NotFoundError`."""
        return self._source(name).sign_out_url()

    def signed_out(self, name: str, message: Mapping[str, str], context: Context) -> bool:
        """End here what a source has ended; whether its message was genuine.  Raises `NotFoundError`."""
        source = self._source(name)
        found = source.signed_out(message, context)
        if found is None:
            return False
        actor = Actor(f"source:{name}", verified=True, address=context.client_address)
        change = Change(source.scope, actor, context.now, context.request_id)
        self._sessions().end_of_source(
            change, found.source, user=found.user, source_session=found.source_session
        )
        return True

    def _source(self, name: str) -> BrowserSource:
        source = self._sources.get(name)
        if source is None:
            raise NotFoundError(f"no identity source is called `{name}`")
        return source
