"""Users, roles, tokens, sessions, grants and lockouts: what may not be lost, one module per family."""
