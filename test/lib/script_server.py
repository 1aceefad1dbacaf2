#!/usr/bin/python3
"""A mail relay and an SMS gateway that misbehave as told.

    script_server.py [--rules FILE] --log FILE
                     [--smtp-port-file FILE] [--http-port-file FILE]
                     [--cert FILE --key FILE] [--tls]

Serves SMTP, HTTP or both on 127.0.0.1, each on a free port that it writes to
the named file. Everything received becomes one line of JSON in the log, with
"at", the time of arrival in seconds since 1970. Ends on SIGTERM, or when
whoever started it is gone. Nothing but Python's own library.

The rules are JSON, read again whenever the file changes, so that a test can
let a dead provider recover:

  {"smtp": {"extensions": ["SIZE 1000000", "SMTPUTF8"],
            "users": {"name": "password"}, "connections": 2,
            "rules": [{"at": "rcpt", "match": "greylisted@",
                       "replies": ["451 4.7.1 later", "250 ok"]},
                      {"at": "dot", "match": "lost@", "replies": ["drop"]}]},
   "http": {"rules": [{"match": "Body=slow", "replies": [
                {"status": 429, "headers": {"Retry-After": "2"}},
                {"status": 201, "body": {"sid": "SM1"}}]}]}}

With "connections" SMTP takes so many at once and refuses others at once.

The first rule that matches speaks. "match" is a regular expression searched
in the SMTP command's argument (at "dot": in all the recipients; at "connect"
and "ehlo" in nothing) or in "METHOD PATH\\nBODY" of an HTTP request. The nth
try gets the nth of "replies", the last one stays. Tries are counted by what
"match" matched, so two recipients of one rule do not share a count; with
"count": "rule" they do.

A reply is a string (SMTP: the line; HTTP: the body of a 200) or an object:
  "reply"   SMTP: the line, "250-first\\n250 last" for more of them
  "status", "headers", "body"   HTTP; a body that is no string is sent as JSON
  "echo"    a regular expression; what it finds in the request (SMTP: the
            command's argument; HTTP: "METHOD PATH\\nheader: value\\n...\\n\\nBODY")
            stands for {echo} in the answer
  "delay"   seconds to wait first
  "hold"    true: wait until the rules change, then answer by the old ones
  "do"      "hang" (never answer), "drop" (close), "reset" (RST),
            "close" (answer, then close without a word), "drip" (an HTTP answer,
            a byte every 50 ms), "cut" (half of the answer, then close),
            "raw" (HTTP: the body is all the bytes that are sent),
            "kill" (SIGKILL to the process that asks, before any answer)
and the bare strings "hang", "drop", "reset" and "kill" mean {"do": ...}.
"""
import argparse
import asyncio
import base64
import contextlib
import ctypes
import glob
import json
import os
import re
import signal
import socket
import ssl
import struct
import sys
import time

ACTIONS = ("hang", "drop", "reset", "kill")
LINE_LIMIT = 8 * 1024 * 1024


class Gone(Exception):
    """The connection is over, by our wish or theirs."""


class Rules:
    """The rules file and how often each of its rules has spoken."""

    def __init__(self, path):
        self.path = path
        self.stamp = None
        self.content = {}
        self.tries = {}

    def part(self, name):
        if self.path and stamp_of(os.stat(self.path)) != self.stamp:
            with open(self.path, encoding="utf-8") as file:
                self.stamp = stamp_of(os.fstat(file.fileno()))
                self.content = json.load(file)
            self.tries = {}
        return self.content.get(name, {})

    async def changed(self):
        """Waits for other rules than those of now."""
        stamp = self.stamp
        while stamp == self.stamp == stamp_of(os.stat(self.path)):
            await asyncio.sleep(0.01)

    def reply(self, protocol, text, at=None):
        """What the first matching rule says this time, as a dict, or None."""
        for number, rule in enumerate(self.part(protocol).get("rules", [])):
            if at is not None and rule["at"] != at:
                continue
            found = re.search(rule.get("match", ""), text)
            if found is None:
                continue
            matched = None if rule.get("count") == "rule" else found.group(0)
            key = (protocol, number, matched)
            tried = self.tries.get(key, 0)
            self.tries[key] = tried + 1
            return as_dict(rule["replies"][min(tried, len(rule["replies"]) - 1)],
                           protocol)
        return None


def stamp_of(status):
    """Two files written within a tick of the clock have the same time."""
    return status.st_mtime_ns, status.st_ino, status.st_size


def as_dict(reply, protocol):
    if not isinstance(reply, str):
        return reply
    if reply in ACTIONS:
        return {"do": reply}
    return {"reply": reply} if protocol == "smtp" else {"body": reply}


def owner_of(address, port):
    """The process on this machine that has a TCP socket of this address (IPv4)."""
    local = f"{struct.unpack('=I', socket.inet_aton(address))[0]:08X}:{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        inodes = [row[9] for row in map(str.split, file) if row[1] == local]
    names = {f"socket:[{inode}]" for inode in inodes}
    for link in glob.iglob("/proc/[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(link) in names:
                return int(link.split("/")[2])
    return None


class Log:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8", buffering=1)

    def write(self, event, **facts):
        line = {"at": round(time.time(), 6), "event": event, **facts}
        self.file.write(json.dumps(line) + "\n")


class Connection:
    """What SMTP and HTTP share: reading, and the ways to misbehave."""

    protocol = ""

    def __init__(self, server, reader, writer, number):
        self.server = server
        self.reader = reader
        self.writer = writer
        self.number = number

    def log(self, event, **facts):
        self.server.log.write(event, connection=self.number, **facts)

    async def read_line(self):
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise Gone
        return line

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def misbehave(self, reply):
        """Does what is to be done instead of, or before, an answer."""
        await asyncio.sleep(reply.get("delay", 0))
        if reply.get("hold"):
            await self.server.rules.changed()
        action = reply.get("do")
        if action == "hang":
            # Until the other side has had enough of it.
            while await self.reader.read(65536):
                pass
            raise Gone
        if action == "reset":
            self.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        if action == "kill":
            victim = owner_of(*self.writer.get_extra_info("peername")[:2])
            self.log("kill", pid=victim)
            if victim is not None:
                os.kill(victim, signal.SIGKILL)
        if action in ("drop", "reset", "kill"):
            raise Gone

    async def send_as_told(self, reply, data):
        """Sends an answer whole, in drips or in half."""
        action = reply.get("do")
        if action == "drip":
            for i in range(len(data)):
                await self.send(data[i:i + 1])
                await asyncio.sleep(0.05)
        else:
            await self.send(data[:len(data) // 2] if action == "cut" else data)
        if action in ("cut", "close"):
            raise Gone

    async def run(self):
        self.log("connect", protocol=self.protocol)
        try:
            await self.converse()
        except (Gone, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self.log("disconnect")
            with contextlib.suppress(Exception):
                self.writer.close()
                await self.writer.wait_closed()


class SmtpConnection(Connection):
    protocol = "smtp"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.tls = self.server.tls
        self.user = None
        self.forget()

    def forget(self):
        self.sender = None
        self.recipients = []

    async def answer(self, at, text, default):
        """Sends what the rules say, or the default; tells the code sent."""
        reply = self.server.rules.reply("smtp", text, at) or {}
        await self.misbehave(reply)
        line = reply.get("reply", default).replace("{echo}", found_by(reply, text))
        self.log("reply", to=at, argument=text, reply=line)
        await self.send_as_told(reply, line.replace("\n", "\r\n").encode() + b"\r\n")
        return int(line[:3])

    async def converse(self):
        room = self.server.rules.part("smtp").get("connections", self.server.smtp_open + 1)
        if self.server.smtp_open >= room:
            self.log("crowded")
            await self.send(b"421 4.7.0 too many connections from your IP\r\n")
            return
        self.server.smtp_open += 1
        try:
            await self.converse_at_leisure()
        finally:
            self.server.smtp_open -= 1

    async def converse_at_leisure(self):
        await self.answer("connect", "", "220 script.example ESMTP")
        while True:
            line = (await self.read_line()).decode("utf-8", "replace").rstrip("\r\n")
            verb, _, argument = line.partition(" ")
            handler = getattr(self, "do_" + verb.lower(), None)
            if handler is None:
                await self.answer("unknown", line, "500 5.5.1 what?")
            else:
                await handler(argument)

    async def do_ehlo(self, argument):
        part = self.server.rules.part("smtp")
        words = ["script.example"] + part.get("extensions", ["SIZE 10000000", "8BITMIME"])
        if part.get("users"):
            words.append("AUTH PLAIN LOGIN")
        if self.server.context and not self.tls:
            words.append("STARTTLS")
        lines = ["250-" + word for word in words[:-1]] + ["250 " + words[-1]]
        await self.answer("ehlo", argument, "\n".join(lines))

    async def do_helo(self, argument):
        await self.answer("helo", argument, "250 script.example")

    async def do_starttls(self, argument):
        if await self.answer("starttls", argument, "220 go ahead") == 220:
            await self.writer.start_tls(self.server.context)
            self.tls = True
            self.forget()

    async def do_auth(self, argument):
        mechanism, _, initial = argument.partition(" ")
        if mechanism.upper() == "LOGIN":
            name = initial or await self.ask("334 VXNlcm5hbWU6")
            words = [decode(name), decode(await self.ask("334 UGFzc3dvcmQ6"))]
        else:
            words = decode(initial or await self.ask("334 ")).split("\0")[1:]
        users = self.server.rules.part("smtp").get("users", {})
        known = len(words) == 2 and users.get(words[0]) == words[1]
        code = await self.answer("auth", words[0] if words else "",
                                 "235 2.7.0 welcome" if known else "535 5.7.8 wrong")
        if code == 235:
            self.user = words[0]

    async def ask(self, line):
        await self.send(line.encode() + b"\r\n")
        return (await self.read_line()).decode().strip()

    async def do_mail(self, argument):
        if await self.answer("mail", argument, "250 2.1.0 ok") == 250:
            self.forget()
            self.sender = argument

    async def do_rcpt(self, argument):
        if await self.answer("rcpt", argument, "250 2.1.5 ok") // 100 == 2:
            found = re.search("<(.*?)>", argument)
            self.recipients.append(found.group(1) if found else argument)

    async def do_data(self, argument):
        if not self.recipients:
            await self.answer("data", argument, "503 5.5.1 nobody to send it to")
            return
        if await self.answer("data", argument, "354 go ahead") != 354:
            return
        lines = []
        while (line := await self.read_line()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b".") else line)
        self.log("message", sender=self.sender, recipients=self.recipients,
                 tls=self.tls, user=self.user,
                 data=b"".join(lines).decode("utf-8", "surrogateescape"))
        await self.answer("dot", " ".join(self.recipients), "250 2.0.0 taken")
        self.forget()

    async def do_rset(self, argument):
        self.forget()
        await self.answer("rset", argument, "250 ok")

    async def do_noop(self, argument):
        await self.answer("noop", argument, "250 ok")

    async def do_quit(self, argument):
        await self.answer("quit", argument, "221 bye")
        raise Gone


def decode(text):
    try:
        return base64.b64decode(text).decode()
    except ValueError:
        return ""


class HttpConnection(Connection):
    protocol = "http"

    async def converse(self):
        while True:
            await self.one_request()

    async def one_request(self):
        request_line = await self.reader.readline()
        if not request_line:
            raise Gone
        method, path, _ = request_line.decode("latin-1").split(" ", 2)
        headers = await self.read_headers()
        if "100-continue" in headers.get("expect", "").lower():
            await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = (await self.read_body(headers)).decode("utf-8", "surrogateescape")
        reply = self.server.rules.reply("http", f"{method} {path}\n{body}") or {}
        self.log("request", method=method, path=path, headers=headers, body=body,
                 status=reply.get("status", 200), does=reply.get("do"))
        await self.misbehave(reply)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        request = "\n".join([f"{method} {path}", *lines, "", body])
        await self.send_as_told(reply, compose(reply, found_by(reply, request)))
        if headers.get("connection", "").lower() == "close":
            raise Gone

    async def read_headers(self):
        headers = {}
        while (line := await self.read_line()) not in (b"\r\n", b"\n"):
            name, _, value = line.decode("utf-8", "replace").partition(":")
            headers[name.strip().lower()] = value.strip()
        return headers

    async def read_body(self, headers):
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return await self.reader.readexactly(int(headers.get("content-length", 0)))
        chunks = []
        while size := int((await self.read_line()).split(b";")[0], 16):
            chunks.append(await self.reader.readexactly(size))
            await self.read_line()
        await self.read_line()
        return b"".join(chunks)


def found_by(reply, text):
    """All that the rule's "echo" finds, or the groups of it."""
    found = re.findall(reply.get("echo", "^$"), text)
    return " ".join(" ".join(one) if isinstance(one, tuple) else one for one in found)


def compose(reply, echo):
    """The bytes of an HTTP answer."""
    body = reply.get("body", {})
    headers = {"Content-Type": "text/plain"}
    if not isinstance(body, str):
        headers["Content-Type"] = "application/json"
        body = json.dumps(body)
        echo = json.dumps(echo)[1:-1]
    body = body.replace("{echo}", echo)
    body = body.encode("utf-8", "surrogateescape")
    if reply.get("do") == "raw":
        return body
    headers["Content-Length"] = str(len(body))
    headers.update(reply.get("headers", {}))
    lines = [f"HTTP/1.1 {reply.get('status', 200)} Scripted"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Server:
    def __init__(self, options):
        self.rules = Rules(options.rules)
        self.log = Log(options.log)
        self.tls = options.tls
        self.connections = 0
        self.smtp_open = 0
        self.context = None
        if options.cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(options.cert, options.key)

    async def listen(self, kind, port_file):
        async def connected(reader, writer):
            self.connections += 1
            await kind(self, reader, writer, self.connections).run()

        server = await asyncio.start_server(
            connected, "127.0.0.1", 0, limit=LINE_LIMIT,
            ssl=self.context if self.tls else None)
        # Written beside and renamed: a reader sees the whole port or none.
        with open(port_file + ".part", "w", encoding="ascii") as file:
            file.write(f"{server.sockets[0].getsockname()[1]}\n")
        os.rename(port_file + ".part", port_file)
        return server


async def serve(options):
    server = Server(options)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    listeners = []
    for kind, port_file in ((SmtpConnection, options.smtp_port_file),
                            (HttpConnection, options.http_port_file)):
        if port_file:
            listeners.append(await server.listen(kind, port_file))
    await stopped.wait()
    # The open conversations end with the process; nobody waits for them.
    os._exit(0)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules")
    parser.add_argument("--log", required=True)
    parser.add_argument("--smtp-port-file")
    parser.add_argument("--http-port-file")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--tls", action="store_true", help="TLS from the first byte")
    options = parser.parse_args()
    if not (options.smtp_port_file or options.http_port_file):
        parser.error("neither --smtp-port-file nor --http-port-file")
    return options


def die_with_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    die_with_parent()
    asyncio.run(serve(parse_options()))
    sys.exit(0)
