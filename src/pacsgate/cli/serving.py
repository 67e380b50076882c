"""`pacsgate init` makes an installation, `pacsgate serve` runs it."""

from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap import people
from pacsgate.bootstrap.installation import open_installation
from pacsgate.bootstrap.supervisor import Supervisor
from pacsgate.cli.desk import DEFAULT_CONFIG, Config
from pacsgate.cli.failures import told
from pacsgate.cli.new_installation import make_installation
from pacsgate.cli.printing import print_line
from pacsgate.cli.trial_authority import AUTHORITY_NAME
from pacsgate.config import ListenerSettings, read_settings

_HTTP_PORT = 8042
_HTTPS_PORT = 8443


def init(
    directory: Annotated[Path, typer.Argument(help="A new or empty directory.")],
    *,
    tls: Annotated[
        bool, typer.Option("--tls", help="HTTPS on port 8443, with a certificate authority made for trying.")
    ] = False,
) -> None:
    """Make an installation: configuration, policy, keys, an empty embedded archive."""
    with told():
        config = make_installation(directory, port=_HTTPS_PORT if tls else _HTTP_PORT, tls=tls)
    print_line(f"Made {config}.")
    print_line(f"  start it:   pacsgate serve -c {config}")
    print_line("              while nobody can administer it, it prints a code for the first administrator")
    if tls:
        authority = config.parent / AUTHORITY_NAME
        print_line(f"  trust it:   give {authority} to your browser, which then trusts this machine only,")
        print_line(f"              or: curl --cacert {authority} https://localhost:{_HTTPS_PORT}/")
        print_line("              patients need a certificate of your own authority: docs/tls.md")
    print_line("  policy:     policy.yaml beside it; a saved change is live within two seconds")


def serve(
    config: Config = DEFAULT_CONFIG,
    *,
    insecure_upstream: Annotated[
        bool, typer.Option("--insecure-upstream", help="Also over ways to archives that others can read.")
    ] = False,
) -> None:
    """Serve an installation until SIGTERM or Ctrl-C."""
    with told():
        settings = read_settings(config)
        supervisor = Supervisor(settings, insecure_upstream=insecure_upstream)
        supervisor.prepare()
        code = _setup_code(config)

        def ready() -> None:
            for (host, port), listener in zip(supervisor.addresses, settings.listeners, strict=True):
                scheme = "http" if listener.tls is None else "https"
                print_line(f"pacsgate serves {scheme}://{host}:{port}/ ({_served(listener)})")
            titles = ", ".join(settings.dicom.ae_titles) if settings.dicom else ""
            for host, port in supervisor.dicom_addresses:
                print_line(f"pacsgate serves dicom://{host}:{port} ({titles})")
            for host, port in supervisor.hl7_addresses:
                print_line(f"pacsgate hears hl7 at {host}:{port} (MLLP)")
            if code is not None:
                print_line(f"nobody can administer the gate yet; set-up code for /setup: {code}")

        supervisor.run(ready)


def _served(listener: ListenerSettings) -> str:
    """Where clients find what on a listener."""
    if listener.redirect:
        return "redirects to HTTPS"
    told = [f"{mount.dialect} of `{mount.archive}` at {mount.path}" for mount in listener.mounts]
    return ", ".join(told) or "DICOMweb at /dicom-web"


def _setup_code(config: Path) -> str | None:
    """A new set-up code while nobody can administer the gate; `None` afterwards."""
    with open_installation(read_settings(config), "cli") as installation:
        return people.setup(installation).begin(installation.scope, installation.clock.now())
