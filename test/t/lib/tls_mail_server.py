#!/usr/bin/python3
"""aiosmtpd as a relay that insists: on TLS, on a name and a password.

    tls_mail_server.py LOG-FILE PORT-FILE CERT KEY starttls|always|never

Listens on 127.0.0.1 on a free port and lets in choir with the password
"right word". The log has a line of JSON for each login and each message:
{"at", "event": "auth", "user", "ok"} and {"at", "event": "message", "sender",
"recipients", "data", "answer", "tls"}. The first message to an address
beginning with later is answered 451 after its content. Ends on SIGTERM.
"""
import asyncio
import json
import os
import ssl
import sys
import time

from aiosmtpd.smtp import SMTP, AuthResult

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from serving import serve_until_stopped  # noqa: E402


class Relay:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8", buffering=1)
        self.put_off = set()

    def log(self, event, **facts):
        line = {"at": round(time.time(), 6), "event": event, **facts}
        self.file.write(json.dumps(line) + "\n")

    def authenticate(self, server, session, envelope, mechanism, data):
        known = (data.login, data.password) == (b"choir", b"right word")
        self.log("auth", user=data.login.decode(), ok=known)
        return AuthResult(success=known, handled=False)

    async def handle_DATA(self, server, session, envelope):
        answer = "250 2.0.0 taken"
        recipient = envelope.rcpt_tos[0]
        if recipient.startswith("later") and recipient not in self.put_off:
            self.put_off.add(recipient)
            answer = "451 4.2.1 not now"
        self.log("message", sender=envelope.mail_from, recipients=envelope.rcpt_tos,
                 data=envelope.content.decode("utf-8", "surrogateescape"),
                 answer=answer, tls=session.ssl is not None)
        return answer


async def main(log, port_file, cert, key, mode):
    relay = Relay(log)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    loop = asyncio.get_running_loop()
    options = {"authenticator": relay.authenticate, "auth_required": mode != "never",
               "auth_require_tls": mode == "starttls", "hostname": "relay.example",
               "loop": loop}
    if mode == "starttls":
        options.update(require_starttls=True, tls_context=context)
    server = await loop.create_server(lambda: SMTP(relay, **options), "127.0.0.1", 0,
                                      ssl=context if mode == "always" else None)
    await serve_until_stopped(server, port_file)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
