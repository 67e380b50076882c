"""SAML 2.0 sign-in of browsers: the gate as a service provider; `door` is where it begins."""
