"""Programs that keep the project's own files true; `make` calls them."""
