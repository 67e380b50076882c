"""The revisions, found by Alembic in this directory."""
