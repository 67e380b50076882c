"""A policy in Cedar's words: the policies, their schema, and what Cedar cannot say.

Called by the command line (`pacsgate policy export --cedar`), and by tests, which ask
Cedar's own engine the same questions.

Standard: Cedar 4 (policy syntax, schema syntax).
"""

from pacsgate.policy.cedar.export import CedarExport, export_cedar

__all__ = ["CedarExport", "export_cedar"]
