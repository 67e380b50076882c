"""`pacsgate serve` runs an installation.

It imports what watches processes, and nothing of what they do.
"""

from typing import Annotated

import typer

from pacsgate.bootstrap.supervisor import Supervisor
from pacsgate.cli.failures import told
from pacsgate.cli.options import DEFAULT_CONFIG, Config
from pacsgate.cli.printing import print_line
from pacsgate.config import ListenerSettings, read_settings


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
        code = supervisor.setup_code()

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
