#!/usr/bin/python3
"""A real SMTP server, aiosmtpd, that keeps what it receives.

    mail_server.py LOG-FILE PORT-FILE [USER PASSWORD]

Listens on 127.0.0.1 on a free port; with USER it asks for that password. Each message becomes a line of JSON:
{"at", "event": "message", "sender", "recipients", "data"}. Ends on SIGTERM.
"""
import asyncio
import json
import os
import sys
import time

from aiosmtpd.smtp import SMTP, AuthResult

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from serving import serve_until_stopped  # noqa: E402


class Keeper:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8", buffering=1)

    async def handle_DATA(self, server, session, envelope):
        line = {"at": round(time.time(), 6), "event": "message",
                "sender": envelope.mail_from, "recipients": envelope.rcpt_tos,
                "data": envelope.content.decode("utf-8", "surrogateescape")}
        self.file.write(json.dumps(line) + "\n")
        return "250 2.0.0 taken"


def options_of(user=None, password=None):
    """What SMTP() is told besides, where it is to ask for a password."""
    if user is None:
        return {}
    expected = (user.encode(), password.encode())
    return {"auth_required": True, "auth_require_tls": False,
            "authenticator": lambda server, session, envelope, mechanism, data:
                AuthResult(success=(data.login, data.password) == expected)}


async def main(log, port_file, *login):
    keeper = Keeper(log)
    options = options_of(*login)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(keeper, enable_SMTPUTF8=True, hostname="mail.example", loop=loop, **options),
        "127.0.0.1", 0)
    await serve_until_stopped(server, port_file)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
