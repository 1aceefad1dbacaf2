#!/usr/bin/python3
"""An SMTP server, aiosmtpd.

    relay.py ADDRESS PORT FILE [CERTIFICATE KEY]

With a certificate it takes mail over TLS alone. The last message is written to FILE,
the version of TLS above it as X-TLS.
"""
import asyncio
import ssl
import sys

from aiosmtpd.smtp import SMTP


class Keeper:
    def __init__(self, path):
        self.path = path

    async def handle_DATA(self, server, session, envelope):
        tls = server.transport.get_extra_info("ssl_object")
        with open(self.path, "wb") as file:
            file.write(f"X-TLS: {tls and tls.version()}\r\n".encode() + envelope.content)
        return "250 2.0.0 taken"


async def main(address, port, path, *certificate):
    options = {}
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        options = {"tls_context": context, "require_starttls": True}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Keeper(path), hostname="relay.example.com", loop=loop, **options),
        address, int(port))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
