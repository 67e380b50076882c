"""The demo's hospital, in one place: who works there, which studies it holds, what its policy says.

Called by the `demo` command and by the tests.
"""

from importlib.resources import files

from pacsgate.cli.demo.images import instances, part10, write_instances
from pacsgate.cli.demo.people import DemoPerson, people
from pacsgate.cli.demo.studies import studies
from pacsgate.cli.demo.study import DemoStudy

__all__ = [
    "DemoPerson",
    "DemoStudy",
    "instances",
    "part10",
    "people",
    "policy_text",
    "studies",
    "write_instances",
]


def policy_text() -> str:
    """Returns the hospital's policy file."""
    return files("pacsgate.cli.demo").joinpath("policy.yaml").read_text("utf-8")
