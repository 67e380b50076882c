"""Python's collector of cyclic garbage, set for a process that holds much for long.

With its defaults it looks through everything again and again: modules, policies, what is known of
ten thousand kinds of study.  That took a tenth of a worker's time, and half a second at a time where
an index is large.

Called by `worker`, when all is built.
"""

import gc

COLLECT_EVERY = 20_000
"""Objects that came and did not go, between two looks for cycles: some twenty answers."""


def spare_the_collector() -> None:
    """Take what is there now out of the collector's sight, and let it look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, 20, 50)
