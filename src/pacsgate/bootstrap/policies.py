"""The policies of all tenants: published when their files change, begun where there are none.

Called by the background process twice a second, and at start.

Invariants:
- what is wrong with one tenant's policy keeps no other's from being published.
"""

import structlog

from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.policy_watch import FILES, PolicyWatch
from pacsgate.bootstrap.tenancy import refuse_shared_names
from pacsgate.model.errors import PacsgateError, PolicyError, SettingsError
from pacsgate.model.resource import DEFAULT_TENANT, TenantName, TenantScope
from pacsgate.services.administration import Change

_log = structlog.get_logger("pacsgate.policy")


class PolicyWatches:
    """A watch for each tenant; those who are registered meanwhile get theirs."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._watches: dict[TenantScope, PolicyWatch] = {}

    def tick(self) -> None:
        """Publish what was saved, and begin who has come.  Raises what failed, after all else is done."""
        failed: PacsgateError | None = None
        for scope in self._installation.scopes():
            if scope not in self._watches:
                self._watches[scope] = PolicyWatch(self._installation, scope)
            try:
                self._watches[scope].tick()
            except PacsgateError as error:
                failed = error
        if failed is not None:
            raise failed


def publish_all(installation: Installation) -> None:
    """Publish every tenant's policy before anything is served.

    Raises `SettingsError` if there is none for the tenant `default`, and none was ever active, or if an
    archive is called like a PACS that is registered.
    """
    refuse_shared_names(installation)
    for tenant, settings in installation.settings.tenants.items():
        order = Change(TenantScope(TenantName(tenant)), FILES, installation.clock.now())
        installation.beginning.enter(order, settings.name or tenant)
    for scope in installation.scopes():
        try:
            PolicyWatch(installation, scope).publish()
        except (PolicyError, SettingsError) as refused:
            if scope.tenant == DEFAULT_TENANT and installation.stores.revisions.live(scope) is None:
                raise SettingsError(
                    f"there is no policy to serve with, and none was ever active:\n{refused.public}"
                ) from refused
            _log.error(
                "policy refused, serving the last good revision", tenant=scope.tenant, problems=refused.public
            )
