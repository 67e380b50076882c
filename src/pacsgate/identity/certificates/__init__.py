"""Client certificates: is one genuine, has it been revoked, and which account is it for."""
