"""What agents report, on a `Database`."""
