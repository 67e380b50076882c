"""`pacsgate policy`: check a policy, test it, compare it, and ask what it means for people and studies.

Each command is in a module of its own; here they get their names.
"""

import typer

from pacsgate.cli.policy_check import check, lint, test
from pacsgate.cli.policy_diff import diff
from pacsgate.cli.policy_export import export
from pacsgate.cli.policy_questions import explain, what_can, who_can
from pacsgate.cli.policy_revisions import approve, pending, publish
from pacsgate.cli.policy_shadow import shadow
from pacsgate.cli.reports import suggest_minimal

app = typer.Typer(help="Check policies, ask what they mean, and change which is live.", no_args_is_help=True)

app.command()(check)
app.command()(lint)
app.command()(test)
app.command()(diff)
app.command()(explain)
app.command("who-can")(who_can)
app.command("what-can")(what_can)
app.command()(export)
app.command()(publish)
app.command()(pending)
app.command()(approve)
app.command()(shadow)
app.command("suggest-minimal")(suggest_minimal)
