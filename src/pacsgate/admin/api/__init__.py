"""The administration API under `/api/v1`, as an OpenAPI 3.1 document describes it."""
