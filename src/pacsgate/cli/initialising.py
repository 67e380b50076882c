"""`pacsgate init` makes an installation."""

from pathlib import Path
from typing import Annotated

import typer

from pacsgate.cli.failures import told
from pacsgate.cli.new_installation import make_installation
from pacsgate.cli.printing import print_line
from pacsgate.cli.trial_authority import AUTHORITY_NAME

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
