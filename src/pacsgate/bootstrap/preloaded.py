"""What every process of `serve` runs on, imported once: importing this module is all that the nursery does.

A Ctrl-C, and a stop that is sent to the whole family, are for those who serve: the nursery must be there to
say how they ended, and ends when they have.  The collector of garbage does not look while modules
load, which saves a fifth of the time, and never at what they have left: its marks would make
private what processes share.

Imported by the nursery, before it forks.
"""

import gc
import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
gc.disable()

from pacsgate.bootstrap import background, dimse, errands, hl7, worker  # noqa: E402 - signals and the collector first

gc.freeze()
gc.enable()

__all__ = ["background", "dimse", "errands", "hl7", "worker"]
