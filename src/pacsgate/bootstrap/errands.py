"""What the supervisor has others do for it, each in a process that ends when it is done.

Called through `entrances`.
"""

from collections.abc import Mapping

import structlog

from pacsgate.bootstrap import people
from pacsgate.bootstrap.certificate_health import certificate_warnings, clear_text_listeners
from pacsgate.bootstrap.certificates import check_certificate_sources
from pacsgate.bootstrap.clock import SystemClock
from pacsgate.bootstrap.identity_warnings import identity_warnings
from pacsgate.bootstrap.installation import open_installation
from pacsgate.bootstrap.issuers import check_issuers
from pacsgate.bootstrap.logs import configure_logs
from pacsgate.bootstrap.occurrences import check_dcm4chee
from pacsgate.bootstrap.policies import publish_all
from pacsgate.bootstrap.server_tls import check_server_tls
from pacsgate.bootstrap.tenant_wall import tenant_wall_warnings
from pacsgate.bootstrap.trail import finish_stores
from pacsgate.bootstrap.upstream_security import clear_text_peers, insecure_upstreams
from pacsgate.config import Settings
from pacsgate.model.resource import TenantScope
from pacsgate.policy.policy import Policy

_log = structlog.get_logger("pacsgate.supervisor")


def prepare(settings: Settings) -> None:
    """Check everything that must hold before anything listens.

    Raises `SettingsError`; with a stored revision a broken policy file does not stop the start.
    """
    configure_logs()
    with open_installation(settings, "start") as installation:
        publish_all(installation)
        finish_stores(installation)
        found = {scope: installation.policy_of(scope) for scope in installation.scopes()}
    policies = {scope: policy for scope, policy in found.items() if policy is not None}
    check_server_tls(settings)
    check_certificate_sources(settings)
    _warn(settings, policies)
    check_dcm4chee(settings)
    check_issuers(settings)


def repair(settings: Settings) -> None:
    """Finish what a process that died had begun."""
    configure_logs()
    with open_installation(settings, "restart") as installation:
        finish_stores(installation)


def setup_code(settings: Settings) -> str | None:
    """A new set-up code while nobody can administer the gate; `None` afterwards."""
    configure_logs()
    with open_installation(settings, "cli") as installation:
        return people.setup(installation).begin(installation.scope, installation.clock.now())


def _warn(settings: Settings, policies: Mapping[TenantScope, Policy]) -> None:
    """Say loudly what is open, and what was probably meant otherwise."""
    for warning in (
        *insecure_upstreams(settings),
        *clear_text_peers(settings),
        *clear_text_listeners(settings),
        *certificate_warnings(settings, SystemClock().now()),
        *tenant_wall_warnings(settings),
        *identity_warnings(settings, policies),
    ):
        _log.warning(warning)
