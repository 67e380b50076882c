"""The queue between the gate and PACSes, on a `Database`."""
