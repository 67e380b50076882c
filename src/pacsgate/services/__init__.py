"""Use cases, one verb each: what the doors call and what calls the ports.

Plain synchronous Python that knows no wire, no table and no file format.
"""
