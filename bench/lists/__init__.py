"""Lists over a large archive: what a subject sees first, and how much in all."""
