"""OpenID Connect: `provider` knows one provider, `door` signs people in with it."""
