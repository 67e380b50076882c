"""Wires the adapter of an agent that stands beside an installation.

Called by `agents`, for such agents only.
"""

from contextlib import ExitStack

from pacsgate.agent.archive.adapter import ArchiveAdapter
from pacsgate.agent.settings import AgentSettings
from pacsgate.agent.tenant_fields import TenantFields
from pacsgate.bootstrap.executors import ArchiveDesk
from pacsgate.bootstrap.installation import open_installation
from pacsgate.config import read_settings
from pacsgate.model.access import PacsPlace
from pacsgate.model.errors import SettingsError
from pacsgate.ports import Clock
from pacsgate.ports.site import SiteSpool
from pacsgate.stores.access.store import SqlAccessStore

_PROCESS = "agent"
_NO_POLICY = "none"


def archive_adapter(
    settings: AgentSettings, spool: SiteSpool, fields: TenantFields, clock: Clock, opened: ExitStack
) -> ArchiveAdapter:
    """The main archive of an installation as a PACS.  Raises `SettingsError`."""
    if settings.config is None:
        raise SettingsError("`Agent__Config` is missing")
    installation = opened.enter_context(open_installation(read_settings(settings.config), _PROCESS))
    local = PacsPlace(installation.scope.tenant, installation.main_archive)
    if local.pacs not in installation.settings.archives:
        raise SettingsError(f"the installation of `{settings.config}` has no archive")
    # Extension fields are those of the tenant at the gate that governs, not of this installation's own.
    executor = ArchiveDesk(installation, local, lambda _tenant, kind, values: fields.check(kind, values))

    def revision() -> str:
        policy = installation.policy()
        return _NO_POLICY if policy is None else policy.revision

    adapter = ArchiveAdapter(
        place=settings.place,
        local=local,
        executor=executor,
        access=SqlAccessStore(installation.database),
        publisher=installation.publisher,
        index=installation.stores.index,
        revision=revision,
        spool=spool,
        clock=clock,
    )
    opened.callback(adapter.close)
    return adapter
