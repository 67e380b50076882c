"""SCIM 2.0: the accounts and groups of a source as its provisioning client sees them.

`resources` says what they hold, `questions` reads lists and filters, `discovery` is what the service says
of itself.  The grammar, the patches and the messages are `scim2-models`.

Called by `pacsgate.admin.scim`.

Standard: RFC 7643, RFC 7644.
"""
