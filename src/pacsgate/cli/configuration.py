"""`pacsgate config`: look at a configuration before it is served."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap.certificate_health import certificate_warnings, clear_text_listeners
from pacsgate.bootstrap.certificates import check_certificate_sources
from pacsgate.bootstrap.clock import SystemClock
from pacsgate.bootstrap.identity_warnings import identity_warnings
from pacsgate.bootstrap.issuers import check_issuers
from pacsgate.bootstrap.occurrences import check_dcm4chee
from pacsgate.bootstrap.policy_files import read_all_policy_sources
from pacsgate.bootstrap.server_tls import check_server_tls
from pacsgate.bootstrap.tenant_wall import tenant_wall_warnings
from pacsgate.bootstrap.upstream_security import clear_text_peers, insecure_upstreams
from pacsgate.cli.failures import told
from pacsgate.cli.loading import load_policy_shown
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson
from pacsgate.cli.printing import print_json, print_line
from pacsgate.config import read_settings
from pacsgate.model.resource import DEFAULT_TENANT, TenantScope

app = typer.Typer(help="Check the configuration file.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(envvar="PACSGATE_CONFIG", help="The configuration file.")]


@app.command()
def check(file: File = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Read the configuration and the policy it names; name every problem with its place."""
    with told():
        settings = read_settings(file)
        check_dcm4chee(settings)
        check_issuers(settings)
        check_server_tls(settings)
        check_certificate_sources(settings)
        warnings = [
            *(f"{warning}; `serve` wants `--insecure-upstream`" for warning in insecure_upstreams(settings)),
            *clear_text_peers(settings),
            *clear_text_listeners(settings),
            *certificate_warnings(settings, SystemClock().now()),
            *tenant_wall_warnings(settings),
        ]
        policy = load_policy_shown(read_all_policy_sources(settings))
        warnings += identity_warnings(settings, {TenantScope(DEFAULT_TENANT): policy})
    if as_json:
        print_json(
            {
                "ok": True,
                "archives": sorted(settings.archives),
                "policy": policy.revision,
                "warnings": warnings,
                "not_carried_over": [str(left) for left in policy.left],
            }
        )
    else:
        for warning in (*warnings, *policy.left):
            sys.stderr.write(f"warning: {warning}\n")
        print_line(f"{file} is sound: {len(settings.archives)} archive(s), policy {policy.revision}")
