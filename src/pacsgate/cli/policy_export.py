"""`pacsgate policy export`: a policy in the language of another engine, and what is lost on the way.

Called by `policy`, which gives it its name.
"""

from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap.policy_files import read_policy_sources
from pacsgate.cli.failures import told
from pacsgate.cli.loading import load_policy_shown
from pacsgate.cli.options import AsJson
from pacsgate.cli.printing import print_json, print_line
from pacsgate.model.errors import SettingsError
from pacsgate.policy.cedar import export_cedar

_SCHEMA_SUFFIX = ".cedarschema"

File = Annotated[Path, typer.Argument(help="A policy file, or a directory of them.")]
Cedar = Annotated[
    Path, typer.Option("--cedar", help="Where to write Cedar policies; their schema goes beside them.")
]


def export(cedar: Cedar, file: File = Path("policy.yaml"), as_json: AsJson = False) -> None:
    """Write a policy as Cedar policies and schema, and say what Cedar cannot express."""
    with told():
        exported = export_cedar(load_policy_shown(read_policy_sources(file)))
        schema = cedar.with_suffix(_SCHEMA_SUFFIX)
        if schema == cedar:
            raise SettingsError(f"`{cedar}` is where the schema goes: end the name in `.cedar`")
        try:
            cedar.write_text(exported.policies, encoding="utf-8")
            schema.write_text(exported.schema, encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"cannot write `{error.filename}`: {error.strerror}") from error
    if as_json:
        print_json({"policies": str(cedar), "schema": str(schema), "not_expressed": list(exported.left)})
        return
    print_line(f"policies in {cedar}, their schema in {schema}")
    print_line("not expressed:")
    for sentence in exported.left:
        print_line(f"  {sentence}")
