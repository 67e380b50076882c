"""What an agent keeps on site, on a `Database` of its own."""
