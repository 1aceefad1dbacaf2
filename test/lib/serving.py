"""How servers of tests written with asyncio say where they listen, and end."""
import asyncio
import os
import signal


async def serve_until_stopped(server, port_file):
    """Writes the port of `server` down and ends the process on SIGTERM."""
    with open(port_file + ".part", "w", encoding="ascii") as file:
        file.write(f"{server.sockets[0].getsockname()[1]}\n")
    os.rename(port_file + ".part", port_file)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    os._exit(0)
