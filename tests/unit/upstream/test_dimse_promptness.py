"""What arrived is acknowledged at once: a peer whose second write waits for that does not wait long."""

import socket
import time

import pytest

from pacsgate.upstream.dimse.promptness import acknowledge_at_once

ROUNDS = 8


@pytest.mark.alone
def test_two_small_writes_one_after_the_other_take_no_time_to_arrive() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        writer = socket.create_connection(listening.getsockname())
        reader, _ = listening.accept()
    with writer, reader:
        begun = time.monotonic()
        for _ in range(ROUNDS):
            for part in (b"command", b"data set"):
                writer.sendall(part)
            arrived = b""
            while len(arrived) < len(b"commanddata set"):
                arrived += reader.recv(100)
                acknowledge_at_once(reader)
            reader.sendall(b"answer")
            writer.recv(100)
        # By itself Linux takes 40 ms over each round but the first few.
        assert time.monotonic() - begun < 0.15


def test_a_connection_that_is_over_or_is_none_of_tcp_needs_none() -> None:
    one, other = socket.socketpair()
    with one, other:
        acknowledge_at_once(one)
    acknowledge_at_once(one)
