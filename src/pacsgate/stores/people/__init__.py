"""People and devices, with all that hangs on them: what may not be lost, one module per family."""
