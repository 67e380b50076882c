"""An API token, as a passcode or in the field of a JSON Web Token.

Called by `door`.
"""

from pacsgate.identity.associations.user_identity import PresentedToken
from pacsgate.identity.associations.ways import Asking, Holding
from pacsgate.identity.authenticate import Authenticator
from pacsgate.identity.credentials import TokenCredential
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import AuthenticationFailed, Directory, EpochStore
from pacsgate.ports.associations import Admitted


class ByToken:
    """Believes API tokens."""

    def __init__(self, directory: Directory, epochs: EpochStore, authenticator: Authenticator) -> None:
        self._directory = directory
        self._epochs = epochs
        self._authenticator = authenticator

    def admit(self, asking: Asking, evidence: PresentedToken) -> Admitted | Refusal | AuthenticationFailed:
        """Let the token's owner in, which must be who the request names."""
        found = self._authenticator.authenticate(TokenCredential(evidence.token), asking.context)
        if isinstance(found, AuthenticationFailed):
            return found
        if found.tenant != asking.scope.tenant or evidence.name not in {None, found.name}:
            token_id = evidence.token.token_id
            return asking.refusal(Cause.NAMED_OTHERWISE, Credential.TOKEN, evidence.name, token_id)
        return Admitted(found, asking.remote)

    def again(self, asking: Asking, evidence: PresentedToken, before: Admitted) -> Holding | None:  # noqa: ARG002 - the port's
        """The same owner, while the token is neither revoked nor expired."""
        epoch = self._epochs.current().users
        subject = self._authenticator.token_door.authenticate(evidence.token, epoch, asking.context)
        found = self._directory.token(evidence.token.token_id)
        if not isinstance(subject, Subject) or found is None:
            return None
        return Holding(subject, found[1].expires_at)
