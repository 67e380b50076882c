"""Connections are open files, and systems allow 1,024 where nobody asks: an agent that waits holds one, an
association five.

Called by `worker` and `dimse`.
"""

import resource


def allow_open_files() -> None:
    """Let this process have as many files open as whoever started it allows at most."""
    _, at_most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (at_most, at_most))
