"""The only part that knows every other: it wires an installation from its settings and runs its processes.

Plain code, no container: reading `installation` and `gate` from top to bottom
is reading what talks to what.
"""
