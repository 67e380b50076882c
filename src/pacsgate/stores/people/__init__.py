"""Users, roles, tokens, sessions, grants, lockouts, remote AEs: what may not be lost, one module per family."""
