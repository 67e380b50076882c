"""One HTTP origin: who asks, connections that are kept, bounds in time, errors for their reader."""
