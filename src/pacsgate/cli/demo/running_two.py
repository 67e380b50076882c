"""`pacsgate demo --tenants`: both hospitals until Ctrl-C, with the agent of north's doors.

Called by `command`.
"""

import secrets
from contextlib import ExitStack
from pathlib import Path

from pacsgate.bootstrap.supervisor import Supervisor
from pacsgate.cli.demo.doors import agent_at_work, build_doors, plan_visit
from pacsgate.cli.demo.two_hospitals import appoint_registrator, inhabit, make_two, two_tenants
from pacsgate.cli.demo.welcome_two import TwoHospitals, as_json, as_text
from pacsgate.cli.printing import print_json, print_line
from pacsgate.cli.viewer import installed_viewer
from pacsgate.config import read_settings

_PASSWORD_BYTES = 8


def run_two(directory: Path, *, http_port: int, dicom_port: int, as_json_line: bool) -> None:
    """Build both, serve them, and say what there is to try.  Raises `SettingsError`."""
    config = make_two(directory, port=http_port, dicom_port=dicom_port)
    settings = read_settings(config).model_copy(update={"viewer": installed_viewer()})
    hospitals = tuple(inhabit(settings, demo, progress=not as_json_line) for demo in two_tenants())
    registrator = secrets.token_hex(_PASSWORD_BYTES)
    appoint_registrator(settings, registrator)
    env_file = build_doors(settings, directory)
    supervisor = Supervisor(settings)
    supervisor.prepare()
    with ExitStack() as stack:

        def ready() -> None:
            host, port = supervisor.addresses[0]
            url = f"http://{host}:{port}"
            stack.enter_context(agent_at_work(env_file, url))
            plan_visit(config, settings)
            both = TwoHospitals(url, supervisor.dicom_addresses[0], config, env_file, hospitals, registrator)
            if as_json_line:
                print_json(as_json(both))
                return
            for line in as_text(both):
                print_line(line)

        supervisor.run(ready)
