"""Client certificates as credentials: the name in a certificate, linked to the holder's account.

Each configured authority of the tenant is a format of its own, `certificate.` and its name; the value is what
the authority's certificates say of their holder, by the rule of the configuration.  An inactive one is
linked to nobody.

Whose certificate says a name is known to who administers the accounts of the tenant, not to who looks after
one archive: whoever could link any name would be let in as by the certificate of somebody who has none yet.

Called by `image_credentials`.

Invariants:
- nobody links a name who does not administer accounts in the whole tenant;
- the name of an account that there is, and of somebody who is linked already, is nobody else's credential.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pacsgate.audit.events import EventKind
from pacsgate.model.access import AccessCredential
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.permission import Permission
from pacsgate.ports import Directory
from pacsgate.ports.access import CredentialFormat
from pacsgate.ports.identity_sources import IdentityLink, IdentityLinks
from pacsgate.services.administration import Change

CERTIFICATE = "certificate."
"""What the name of such a format begins with."""
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class ImageCertificates:
    """Links and unlinks."""

    directory: Directory
    links: IdentityLinks
    sources: Collection[str]
    """The authorities of the tenant, as the configuration calls them."""
    administers_accounts: Callable[[Change], bool]
    """Whether whoever orders a change holds `UserAdminister` in the whole tenant."""

    def formats(self) -> Mapping[str, CredentialFormat]:
        """One for each authority."""
        return {
            f"{CERTIFICATE}{source}": CredentialFormat(
                f"{CERTIFICATE}{source}",
                f"the name that a certificate of `{source}` says, at most {LONGEST_NAME} characters",
                _name,
            )
            for source in self.sources
        }

    def link(self, change: Change, account: str, credential: AccessCredential) -> None:
        """Let whoever has such a certificate come in.  Raises `ConflictError`, or `RequestError` (403)."""
        if not self.administers_accounts(change):
            raise RequestError(
                f"linking a certificate needs the permission `{Permission.USER_ADMINISTER}` in this tenant",
                status=403,
            )
        if self.directory.user(change.scope, credential.value) is not None:
            raise ConflictError("an account has this name: its holder comes in as that")
        source = credential.format.removeprefix(CERTIFICATE)
        event = change.event(EventKind.USER_CHANGED, "linked", account, source=source)
        link = IdentityLink(source, credential.value, account, change.at)
        self.links.link(change.scope, link, event)

    def unlink(self, change: Change, account: str, credential: AccessCredential) -> None:
        """Let nobody come in with it; one that is not linked stays so."""
        source = credential.format.removeprefix(CERTIFICATE)
        link = self.links.linked(change.scope, source, credential.value)
        if link is not None and link.user == account:
            event = change.event(EventKind.USER_CHANGED, "unlinked", account, source=source)
            self.links.unlink(change.scope, source, credential.value, event)


def _name(value: str) -> str | None:
    is_name = len(value) <= LONGEST_NAME and value.isprintable() and value.strip() == value
    return value if is_name else None
