"""Wires SAML providers, with which browsers sign in.

Called by `gate` and `console`; checked by `issuers` before anything is served.
"""

from collections.abc import Iterable
from pathlib import Path

from onelogin.saml2.constants import OneLogin_Saml2_Constants
from starlette.routing import Route

from pacsgate.admin.console.entry_pages import SourceLink
from pacsgate.admin.console.saml_pages import SIGN_IN_PATH, SamlPages, saml_routes
from pacsgate.admin.console.signed_in import Visitors
from pacsgate.bootstrap.identity_sources import claim_names, federated_accounts, source_scopes
from pacsgate.bootstrap.installation import Installation
from pacsgate.config import Settings
from pacsgate.config.saml import SamlSettings
from pacsgate.identity.federation.returning_browsers import DoorParts
from pacsgate.identity.lockout import Attempts
from pacsgate.identity.saml.door import SamlDoor
from pacsgate.identity.saml.provider import OwnKey, SamlDescription, SamlProvider
from pacsgate.identity.sign_in_record import SignInRecord
from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.services.administer_sessions import SessionAdministration
from pacsgate.services.sign_in import SignIn
from pacsgate.services.sign_in_with_source import SignInWithSource

_FORMATS = {
    "unspecified": OneLogin_Saml2_Constants.NAMEID_UNSPECIFIED,
    "persistent": OneLogin_Saml2_Constants.NAMEID_PERSISTENT,
    "emailAddress": OneLogin_Saml2_Constants.NAMEID_EMAIL_ADDRESS,
    "transient": OneLogin_Saml2_Constants.NAMEID_TRANSIENT,
}
_NAME_ID = ""


def saml_providers(settings: Settings) -> tuple[SamlProvider, ...]:
    """The providers of the configuration.  Raises `SettingsError`."""
    return tuple(_provider(settings, source) for source in settings.identity.saml)


def saml_links(settings: Settings) -> Iterable[SourceLink]:
    """The buttons of the sign-in page; people of another tenant than `default` know their address."""
    return [
        SourceLink(SIGN_IN_PATH.format(name=source.name), source.title or source.name)
        for source in settings.identity.saml
        if source.tenant == DEFAULT_TENANT
    ]


def saml_pages(installation: Installation, seen: Visitors, sign_in: SignIn) -> list[Route]:
    """The pages by which browsers come and go."""
    stores = installation.stores
    accounts, scopes = federated_accounts(installation), source_scopes(installation.settings)

    def parts(source: str) -> DoorParts:
        return DoorParts(
            scope=scopes[source],
            accounts=accounts,
            challenges=stores.challenges,
            attempts=Attempts(stores.directory),
            record=SignInRecord(installation.trail),
        )

    doors = [
        SamlDoor(provider, parts(provider.name), stores.identity_links, stores.used_assertions)
        for provider in saml_providers(installation.settings)
    ]
    sources = SignInWithSource(doors, sign_in, lambda: SessionAdministration(installation.office))
    return saml_routes(SamlPages(seen, {door.name: door for door in doors}, sources))


def _provider(settings: Settings, source: SamlSettings) -> SamlProvider:
    if settings.public_url is None:
        raise SettingsError(
            f"`{source.name}` needs `public_url`: it is where the provider sends browsers back"
        )
    own_key = None
    if source.certificate_file is not None and source.key_file is not None:
        own_key = OwnKey(_read(source.certificate_file).decode(), _read(source.key_file).decode())
    described = SamlDescription(
        name=source.name,
        title=source.title or source.name,
        base_url=settings.public_url.rstrip("/"),
        metadata=_read(source.metadata_file),
        names=claim_names(source.claims, _NAME_ID),
        numbers=frozenset(source.numbers),
        own_key=own_key,
        ask_contexts=source.ask_contexts,
        name_id_format=_FORMATS[source.name_id],
    )
    try:
        return SamlProvider(described)
    except ValueError as error:
        raise SettingsError(f"cannot use the metadata `{source.metadata_file}`: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot read `{path}`: {error.strerror}") from error
