"""Free loopback ports for servers that tests start."""

import socket


def free_ports(count: int) -> tuple[int, ...]:
    """Distinct ports on which nothing listens now; all are held open until the last is found."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return tuple(int(listener.getsockname()[1]) for listener in held)
    finally:
        for listener in held:
            listener.close()


def free_port() -> int:
    """One port on which nothing listens now."""
    return free_ports(1)[0]
