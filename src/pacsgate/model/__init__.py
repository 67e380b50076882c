"""The vocabulary: who asks, what for, of which resource, and what the answer was.

Plain frozen values that every other floor speaks in.  Nothing here does I/O,
reads a clock or knows how a decision is made.

Standard: the four words subject, action, resource and context are those of the
OpenID AuthZEN Authorization API 1.0.
"""
