"""What is wrong with whose archive is whose, each with its place in the file.

Called by `reading`.
"""

from collections.abc import Iterator

from pacsgate.config.settings import Settings
from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantName, TenantScope

_Problem = tuple[tuple[int | str, ...], str]
_SOURCES = ("openid", "ldap", "saml", "issuers", "scim", "certificates")


def wrong_tenants(settings: Settings) -> Iterator[_Problem]:
    """Archives of tenants that there are not, and tenants without the one archive that they need."""
    for name, archive in settings.archives.items():
        if not _is_known(settings, archive.tenant):
            yield ("archives", name, "tenant"), _unknown(archive.tenant)
    dicom = settings.dicom
    neighbours = (
        {} if dicom is None else {"worklist": dicom.worklist, "procedure_steps": dicom.procedure_steps}
    )
    for name, neighbour in neighbours.items():
        if neighbour is not None and not _is_known(settings, neighbour.tenant):
            yield ("dicom", name, "tenant"), _unknown(neighbour.tenant)
    for number, listener in enumerate(() if settings.hl7 is None else settings.hl7.listeners):
        for position, sender in enumerate(listener.senders):
            if not _is_known(settings, sender.tenant):
                place = ("hl7", "listeners", number, "senders", position, "tenant")
                yield place, _unknown(sender.tenant)
    yield from _wrong_sources(settings)
    yield from _wrong_default(settings, DEFAULT_TENANT, settings.default_archive, ("default_archive",))
    for name, tenant in settings.tenants.items():
        at = ("tenants", name, "default_archive")
        yield from _wrong_default(settings, TenantName(name), tenant.default_archive, at)
        if tenant.foreign_policies and tenant.policy is None:
            yield ("tenants", name, "foreign_policies"), "`foreign_policies` stand beside a `policy`"


def _wrong_sources(settings: Settings) -> Iterator[_Problem]:
    for kind in _SOURCES:
        for number, source in enumerate(getattr(settings.identity, kind)):
            if not _is_known(settings, source.tenant):
                yield ("identity", kind, number, "tenant"), _unknown(source.tenant)


def _is_known(settings: Settings, tenant: TenantName) -> bool:
    return tenant == DEFAULT_TENANT or tenant in settings.tenants


def _unknown(tenant: TenantName) -> str:
    return f"there is no tenant `{tenant}` in `tenants`"


def _wrong_default(
    settings: Settings, tenant: TenantName, named: str | None, at: tuple[str, ...]
) -> Iterator[_Problem]:
    archives = settings.tenant_archives.of(TenantScope(tenant))
    whose = "" if tenant == DEFAULT_TENANT else f" of the tenant `{tenant}`"
    if named is None and len(archives) > 1:
        yield at, f"`default_archive` must name one of several `archives`{whose}"
    if named is not None and ArchiveName(named) not in archives:
        yield at, f"`default_archive` names `{named}`, which is not among `archives`{whose}"
