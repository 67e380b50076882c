"""What standards prescribe on the wire, each test citing its section."""
