"""Runs an agent until SIGTERM or Ctrl-C.

Called by the command line.
"""

import asyncio
import signal
from collections.abc import Callable

from pacsgate.agent.agent import Agent
from pacsgate.agent.gate_client import GateClient


def run_agent(client: Callable[[], GateClient], make: Callable[[GateClient], Agent]) -> None:
    """Work until told to stop; `client` is called in the loop in which it will be used."""
    asyncio.run(_run(client, make))


async def _run(client: Callable[[], GateClient], make: Callable[[GateClient], Agent]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with client() as gate:
        await make(gate).run(stop)
