"""`pacsgate init` makes an installation, `pacsgate serve` runs it."""

from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap.installation import open_installation
from pacsgate.bootstrap.supervisor import Supervisor
from pacsgate.cli.desk import DEFAULT_CONFIG, Config
from pacsgate.cli.failures import told
from pacsgate.cli.new_installation import make_installation
from pacsgate.cli.printing import print_line
from pacsgate.config import ListenerSettings, read_settings
from pacsgate.identity.passwords import Argon2Passwords
from pacsgate.services.administer_roles import RoleAdministration
from pacsgate.services.administer_users import UserAdministration
from pacsgate.services.setup import Setup


def init(
    directory: Annotated[Path, typer.Argument(help="A new or empty directory.")],
) -> None:
    """Make an installation: configuration, policy, keys, an empty embedded archive."""
    with told():
        config = make_installation(directory)
    print_line(f"Made {config}.")
    print_line(f"  start it:   pacsgate serve -c {config}")
    print_line("              while no user exists, it prints a one-time code for the first administrator")
    print_line("  policy:     policy.yaml beside it; a saved change is live within two seconds")


def serve(config: Config = DEFAULT_CONFIG) -> None:
    """Serve an installation until SIGTERM or Ctrl-C."""
    with told():
        settings = read_settings(config)
        supervisor = Supervisor(settings)
        supervisor.prepare()
        code = _setup_code(config)

        def ready() -> None:
            for (host, port), listener in zip(supervisor.addresses, settings.listeners, strict=True):
                print_line(f"pacsgate serves http://{host}:{port}/ ({_served(listener)})")
            titles = ", ".join(settings.dicom.ae_titles) if settings.dicom else ""
            for host, port in supervisor.dicom_addresses:
                print_line(f"pacsgate serves dicom://{host}:{port} ({titles})")
            for host, port in supervisor.hl7_addresses:
                print_line(f"pacsgate hears hl7 at {host}:{port} (MLLP)")
            if code is not None:
                print_line(f"no user exists yet; set-up code for /setup: {code}")

        supervisor.run(ready)


def _served(listener: ListenerSettings) -> str:
    """Where clients find what on a listener."""
    told = [f"{mount.dialect} of `{mount.archive}` at {mount.path}" for mount in listener.mounts]
    return ", ".join(told) or "DICOMweb at /dicom-web"


def _setup_code(config: Path) -> str | None:
    """A new set-up code while nobody can sign in; `None` once there are users."""
    with open_installation(read_settings(config), "cli") as installation:
        office = installation.office
        setup = Setup(office, UserAdministration(office, Argon2Passwords()), RoleAdministration(office))
        return setup.begin(installation.scope)
