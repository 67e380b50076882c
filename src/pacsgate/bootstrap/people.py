"""The use cases about people, wired: accounts, passwords, sessions, tokens, the sealed credential.

An office knows the policy that is live, so that each of these is made when it is needed.

Called by `console`, `api` and the command line.
"""

from pacsgate.bootstrap.identity_sources import sign_in_sources
from pacsgate.bootstrap.installation import Installation
from pacsgate.config import Settings
from pacsgate.identity.lockout import Attempts
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.identity.tokens import RandomTokens
from pacsgate.ports import PasswordDoor
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_sessions import OwnSessions, SessionAdministration
from pacsgate.services.administer_tokens import OwnTokens, TokenAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.emergency import EmergencyAccess
from pacsgate.services.own_password import OwnPassword
from pacsgate.services.reset_password import PasswordReset
from pacsgate.services.setup import Setup
from pacsgate.services.tell_changes import TellChanges


def passwords(settings: Settings) -> Argon2Passwords:
    """How passwords are judged and kept here."""
    return Argon2Passwords(context_words=settings.identity.passwords.context_words)


def users(installation: Installation) -> UserAdministration:
    """Accounts."""
    settings = installation.settings
    return UserAdministration(installation.office, passwords(settings), sign_in_sources(settings))


def setup(installation: Installation) -> Setup:
    """The first account."""
    return Setup(installation.office, users(installation), RoleAdministration(installation.office))


def tokens(installation: Installation) -> TokenAdministration:
    """API tokens of everybody."""
    longest = installation.settings.identity.sessions.token_lifetime
    return TokenAdministration(installation.office, RandomTokens(), longest)


def own_tokens(installation: Installation) -> OwnTokens:
    """API tokens of whoever asks."""
    return OwnTokens(tokens(installation))


def sessions(installation: Installation) -> SessionAdministration:
    """Browser sessions of everybody."""
    return SessionAdministration(installation.office)


def own_sessions(installation: Installation) -> OwnSessions:
    """Browser sessions of whoever asks."""
    return OwnSessions(installation.office)


def changes_by_others(installation: Installation) -> TellChanges:
    """What other administrators changed."""
    return TellChanges(installation.stores.notices, lambda: installation.office, installation.policies)


def password_reset(installation: Installation) -> PasswordReset:
    """Reset codes and invitations."""
    stores = installation.stores
    return PasswordReset(
        installation.office,
        users(installation),
        passwords(installation.settings),
        stores.challenges,
        Attempts(stores.directory),
    )


def own_password(installation: Installation, door: PasswordDoor) -> OwnPassword:
    """The password of whoever asks."""
    return OwnPassword(users(installation), door)


def emergency(installation: Installation) -> EmergencyAccess:
    """The sealed credential."""
    return EmergencyAccess(installation.office, users(installation), passwords(installation.settings))
