"""What the gate and the agents of PACSes say to each other, as values: no wire, no clock.

Both sides read and write it with this package, so that neither can understand it otherwise than the other.
"""
