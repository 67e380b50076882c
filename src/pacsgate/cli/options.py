"""Options that many commands have.

Apart from `desk`, which imports whatever an administrative command works with: many commands need none of it.

Called by the commands.
"""

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path, typer.Option("--config", "-c", envvar="PACSGATE_CONFIG", help="The installation's configuration.")
]
Tenant = Annotated[str, typer.Option("--tenant", help="The tenant that it is about.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

DEFAULT_CONFIG = Path("pacsgate.yaml")
