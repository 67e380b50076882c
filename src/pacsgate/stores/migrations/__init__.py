"""How the schema came to be what it is: one Alembic revision per change, oldest first."""
