"""The bounds of what an agent hands in besides responses: features, events and lines of its log.

The gate refuses what is beyond them, so an agent cuts what it has to say into pieces that fit.

Called by the gate's API and by `pacsgate agent`.
"""

from typing import Final

MOST_TOLD_AT_ONCE: Final = 100
"""Events or lines of a log in one request."""
MOST_DETAILS: Final = 16
"""Of one event or line."""
LONGEST_LINE: Final = 256
"""Characters of any text in them."""
MOST_BYTES: Final = 48 * 1024
"""Of one request, below the 64 KiB at which the gate stops reading."""
