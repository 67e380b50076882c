"""No user identity: the account of the calling device, else that of the called AE title.

Nothing is counted, and no device is ever locked out: whoever uses its title from a wrong place must
not be able to keep the real one away.

Called by `door`.
"""

from pacsgate.identity.associations.ways import Asking, Holding, account_subject
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import Directory
from pacsgate.ports.associations import Admitted


class ByDevice:
    """Believes titles, as far as they are proven."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def admit(self, asking: Asking, evidence: None) -> Admitted | Refusal:  # noqa: ARG002 - there is none
        """Let the caller in as the account that it has, or that its called title has."""
        subject = self._subject(asking)
        if isinstance(subject, Cause):
            title = asking.requestor.calling_ae_title
            return asking.refusal(subject, Credential.DEVICE, public_id=title)
        return Admitted(subject, asking.remote)

    def again(self, asking: Asking, evidence: None, before: Admitted) -> Holding | None:  # noqa: ARG002 - likewise
        """The same account, by the same title."""
        subject = self._subject(asking)
        return None if isinstance(subject, Cause) else Holding(subject)

    def _subject(self, asking: Asking) -> Subject | Cause:
        remote, called = asking.remote, asking.requestor.called
        if remote is not None and remote.account is not None:
            device = Credential.DEVICE
            return account_subject(self._directory, asking, remote.account, device, remote.ae_title)
        if called.account is not None:
            title = Credential.CALLED_AE
            return account_subject(self._directory, asking, called.account, title, called.ae_title)
        return Cause.UNKNOWN_DEVICE
