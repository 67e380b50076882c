"""Doors for those who stand in front of an archive themselves and ask the gate about each request."""
