"""`pacsgate demo`: a throwaway hospital in one command.

Called from the command line.

Invariants:
- passwords are new in every run and printed once;
- without `--data` nothing is left behind when it ends.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap.installation import open_installation
from pacsgate.bootstrap.supervisor import Supervisor
from pacsgate.cli.demo.arrival import move_in
from pacsgate.cli.demo.devices import connect
from pacsgate.cli.demo.hospital import policy_text, studies, write_instances
from pacsgate.cli.demo.running_two import run_two
from pacsgate.cli.demo.visibility import visible_studies
from pacsgate.cli.demo.welcome import DicomDoor, Hospital, as_json, as_text
from pacsgate.cli.failures import told
from pacsgate.cli.new_installation import AE_TITLE, CONFIG_NAME, make_installation
from pacsgate.cli.printing import print_json, print_line
from pacsgate.cli.viewer import installed_viewer
from pacsgate.config import read_settings

HttpPort = Annotated[int, typer.Option("--http-port", help="Port of the web server; 0 for any free one.")]
DicomPort = Annotated[int, typer.Option("--dicom-port", help="Port of the DICOM door; 0 for any free one.")]
Data = Annotated[Path | None, typer.Option("--data", help="Keep the hospital here; otherwise it vanishes.")]
Tenants = Annotated[
    bool, typer.Option("--tenants", help="Two hospitals behind one gate, one of them with doors.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON line when it is ready.")]


def demo(
    http_port: HttpPort = 8042,
    dicom_port: DicomPort = 0,
    data: Data = None,
    tenants: Tenants = False,
    json: Json = False,
) -> None:
    """Run a demonstration hospital until Ctrl-C: real images, made-up people, a policy to play with."""
    with told(), ExitStack() as stack:
        directory = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pacsgate-demo-")))
        if tenants:
            run_two(directory, http_port=http_port, dicom_port=dicom_port, as_json_line=json)
            return
        config = make_installation(directory, policy=policy_text(), port=http_port, dicom_port=dicom_port)
        settings = read_settings(config).model_copy(update={"viewer": installed_viewer()})
        objects = {study: write_instances(study) for study in studies()}
        passwords = move_in(settings, objects, progress=not json)
        with open_installation(settings, "demo") as installation:
            connect(installation)
            visible = visible_studies(installation, studies())
        supervisor = Supervisor(settings)
        supervisor.prepare()

        def ready() -> None:
            host, port = supervisor.addresses[0]
            dicom_host, dicom_at = supervisor.dicom_addresses[0]
            hospital = Hospital(
                f"http://{host}:{port}",
                directory / CONFIG_NAME,
                passwords,
                visible,
                DicomDoor(dicom_host, dicom_at, AE_TITLE),
                has_viewer=settings.viewer is not None,
            )
            if json:
                print_json(as_json(hospital))
            else:
                for line in as_text(hospital):
                    print_line(line)

        supervisor.run(ready)
