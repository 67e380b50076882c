"""Policies in the words of other systems, read as they stand and compiled into the one intermediate form.

Each format has a reader of its own, which keeps that system's meaning where it is
safe and refuses with a sentence where it is not.  What a reader returns is merged
with the native documents of the same policy set.

Called by `pacsgate.policy.document`.
"""
