"""A name without a passcode: believed only from a device that is proven and vouches for this person.

Such a device has signed its users in itself.  What it may say is bounded: it vouches for members of
certain groups, and its title alone is no proof, however it is configured.

Called by `door`.

Standard: PS3.15 B.4 (Basic User Identity), which leaves open whether to believe it.
"""

from pacsgate.identity.associations.device_proof import is_bound
from pacsgate.identity.associations.user_identity import NamedPerson
from pacsgate.identity.associations.ways import Asking, Holding, account_subject
from pacsgate.identity.refusals import Cause, Refusal
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.model.subject import Credential, Subject
from pacsgate.ports import Directory
from pacsgate.ports.associations import Admitted


class ByName:
    """Believes devices that vouch for people."""

    def __init__(self, directory: Directory, record: SignInRecord) -> None:
        self._directory = directory
        self._record = record

    def admit(self, asking: Asking, evidence: NamedPerson) -> Admitted | Refusal:
        """Let the named person in, if the device may say who it is."""
        subject = self._subject(asking, evidence.name)
        if isinstance(subject, Cause):
            title = asking.requestor.calling_ae_title
            return asking.refusal(subject, Credential.DEVICE, evidence.name, title)
        self._record.succeeded(subject, asking.context)
        return Admitted(subject, asking.remote)

    def again(self, asking: Asking, evidence: NamedPerson, before: Admitted) -> Holding | None:  # noqa: ARG002 - the port's
        """The same person, while the device vouches for it."""
        subject = self._subject(asking, evidence.name)
        return None if isinstance(subject, Cause) else Holding(subject)

    def _subject(self, asking: Asking, name: str) -> Subject | Cause:
        remote = asking.remote
        user = self._directory.user(asking.scope, name)
        if remote is None or not is_bound(remote) or user is None or not user.groups & remote.vouches_for:
            return Cause.NAME_ALONE
        return account_subject(self._directory, asking, name, Credential.DEVICE, remote.ae_title)
