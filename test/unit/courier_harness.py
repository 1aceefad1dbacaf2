"""What the courier's tests share: a dispatcher's end of the socketpair, and
servers that misbehave on request.  Everything listens on 127.0.0.1."""

import json
import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import traceback

# Seconds. What is answered at all is answered before PATIENCE is over, on a slow
# machine too; what is soon is over before SOON, and what hangs, hangs for longer.
PATIENCE, SOON, HANGS = 60, 30, 120

CLASSES = {1: "accepted", 2: "rejected", 3: "retry", 4: "misconfigured",
           5: "uncertain"}
FAULT, DEAD, STOP, IS_DELIVERED, IS_FAILED = 1, 2, 4, 16, 32
UNREACHED = 0x200
UNSURE, CROWDED = 64, 128


JOB_STRINGS = ("provider", "to", "to_name", "subject", "text", "html",
               "message_key", "reply_to", "unsubscribe_url", "callback_url",
               "locale", "link", "unsubscribe", "receipt", "poll")


def job_payload(job):
    """Of a JOB frame; strings are str or bytes, None or missing: not given."""
    strings = [job.get(name) or b"" for name in JOB_STRINGS]
    strings = [s.encode() if isinstance(s, str) else s for s in strings]
    unknown = set(job) - set(JOB_STRINGS) - {"id", "expires_in_s"}
    assert not unknown, "no members of a job: %r" % unknown
    return struct.pack("=Qq%dI" % (len(strings) + 1), job["id"],
                       job.get("expires_in_s") or 0,
                       *[len(s) for s in strings], 0) + \
        b"".join(s + b"\0" for s in strings)


class Outcome:
    def __init__(self, payload):
        head = struct.unpack("=QqqII4I", payload[:48])
        self.id, self.retry_after_ms, self.elapsed_us = head[0:3]
        self.name = CLASSES[head[3]]
        self.flags, self.connections = head[4] & 0xFFFF, head[4] >> 16
        self.fault = bool(head[4] & FAULT)
        strings, at = [], 48
        for length in head[5:]:
            strings.append(payload[at:at + length])
            at += length
        assert at == len(payload)
        self.code, self.detail, self.message_id = [
            s.decode("utf-8", "strict") for s in strings[:3]]
        self.captured = strings[3]
        assert len(strings[0]) <= 64 and len(strings[1]) <= 500
        assert len(strings[2]) <= 255
        for s in strings[:3]:
            assert not any(b < 32 or b == 127 for b in s), s

    def __repr__(self):
        return "%s%s %r %r id=%r retry=%d %.0f ms" % (
            self.name, " (provider fault)" if self.fault else "", self.code,
            self.detail, self.message_id, self.retry_after_ms,
            self.elapsed_us / 1000)


class Courier:
    """Runs `serve` and plays the dispatcher."""

    def __init__(self, binary, *providers, env=None, flags=()):
        self.started = None
        self.sock, theirs = socket.socketpair()
        environment = dict(os.environ, **(env or {}))
        self.process = subprocess.Popen(
            [binary, "serve", "--fd", str(theirs.fileno()), *flags],
            pass_fds=[theirs.fileno()], env=environment,
            stderr=subprocess.PIPE)
        theirs.close()
        self.buffer = b""
        self.picked, self.outcomes, self.logs, self.order = [], {}, [], []
        self.next_id = 1
        self.configure(*providers)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.sock.close()
        try:
            self.process.wait(HANGS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the courier outlived its dispatcher")
        finally:
            errors = self.process.stderr.read().decode()
            self.process.stderr.close()
        assert "Sanitizer" not in errors and "runtime error" not in errors, \
            errors

    def frame(self, kind, payload):
        self.sock.sendall(struct.pack("=I", len(payload)) + kind + payload)

    def configure(self, *providers):
        self.frame(b"C", json.dumps({"providers": list(providers)}).encode())

    def submit(self, provider, **job):
        job.setdefault("id", self.next_id)
        self.next_id = max(self.next_id, job["id"]) + 1
        job.setdefault("message_key", "inv-%d.1" % job["id"])
        job["provider"] = provider
        self.frame(b"J", job_payload(job))
        return job["id"]

    def pump(self, timeout):
        """Reads what is there; False: nothing came."""
        if not select.select([self.sock], [], [], timeout)[0]:
            return False
        data = self.sock.recv(1 << 20)
        if not data:
            raise EOFError("the courier closed its end")
        self.buffer += data
        while len(self.buffer) >= 5:
            length = struct.unpack("=I", self.buffer[:4])[0]
            if len(self.buffer) < 5 + length:
                break
            kind, payload = self.buffer[4:5], self.buffer[5:5 + length]
            self.buffer = self.buffer[5 + length:]
            if kind == b"P":
                self.picked.append(struct.unpack("=Q", payload)[0])
                self.order.append(("picked", self.picked[-1]))
            elif kind == b"O":
                outcome = Outcome(payload)
                assert outcome.id in self.picked, "outcome before PICKED"
                assert outcome.id not in self.outcomes, "a second outcome"
                self.outcomes[outcome.id] = outcome
                self.order.append(("outcome", outcome.id))
            elif kind == b"S":
                self.started = payload.decode()
            elif kind == b"L":
                self.logs.append(payload.decode())
            else:
                raise AssertionError("unknown frame %r" % kind)
        return True

    def wait(self, *ids, timeout=HANGS):
        end = time.monotonic() + timeout
        while any(i not in self.outcomes for i in ids):
            left = end - time.monotonic()
            assert left > 0, "no outcome for %r" % (ids,)
            self.pump(left)
        return self.outcomes[ids[0]]

    def send(self, provider, timeout=HANGS, **job):
        return self.wait(self.submit(provider, **job), timeout=timeout)

    def mail(self, provider="mail", **job):
        job = dict({"to": "b@g.com", "to_name": "Barnaby", "subject": "Hello",
                    "text": "Hello\n", "html": "<p>Hello</p>"}, **job)
        return self.send(provider, **job)

    def sms(self, provider="sms", **job):
        job = dict({"to": "+27701231234", "text": "Hello"}, **job)
        return self.send(provider, **job)


class Server:
    """Accepts connections, each served by `serve(sock, number)` in a thread."""

    def __init__(self, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = context
        self.connections = 0
        self.errors = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.acceptor.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stopping.set()
        # A thread that still accepts on a closed descriptor may come to accept
        # on the next server's, which has the same number.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self.guard, args=(sock, number),
                             daemon=True).start()

    def guard(self, sock, number):
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            self.serve(sock, number)
        except (OSError, EOFError):
            pass
        finally:
            sock.close()

    def hang(self, *unused):
        self.stopping.wait(HANGS)

    @staticmethod
    def reset(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
        sock.close()
        raise EOFError


class HttpServer(Server):
    """Answers every request with `answer`: bytes, or a function of the
    server, the socket and the request's number."""

    def __init__(self, answer, context=None):
        self.answer = answer
        self.requests = []
        super().__init__(context)

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def read_request(self, sock):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = sock.recv(65536)
            if not piece:
                raise EOFError
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        headers = {}
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b": ")
            headers.setdefault(name.decode().lower(), []).append(
                value.decode())
        length = int(headers.get("content-length", ["0"])[0])
        while len(body) < length:
            piece = sock.recv(65536)
            if not piece:
                raise EOFError
            body += piece
        request = {"line": head.split(b"\r\n")[0].decode(),
                   "headers": headers, "body": body.decode(), "raw": head}
        with self.lock:
            self.requests.append(request)
            return len(self.requests)

    def serve(self, sock, number):
        while True:
            count = self.read_request(sock)
            if callable(self.answer):
                self.answer(self, sock, count)
            else:
                sock.sendall(self.answer)


def reply(status, body="", headers=""):
    body = body if isinstance(body, bytes) else body.encode()
    return ("HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n"
            % (status, len(body), headers)).encode() + body


class SmtpServer(Server):
    """A mail dialogue; `replies` by verb: bytes, or a function of the server
    and the socket.  DOT is the reply to the final dot."""

    DEFAULTS = {"GREETING": b"220 peer ESMTP\r\n",
                "EHLO": b"250-peer\r\n250 SIZE 1000000\r\n",
                "HELO": b"250 peer\r\n",
                "MAIL": b"250 2.1.0 Ok\r\n", "RCPT": b"250 2.1.5 Ok\r\n",
                "DATA": b"354 End with .\r\n",
                "DOT": b"250 2.0.0 Ok: queued as 4XYZ\r\n",
                "QUIT": b"221 2.0.0 Bye\r\n", "RSET": b"250 Ok\r\n"}

    def __init__(self, context=None, **replies):
        self.replies = dict(self.DEFAULTS, **replies)
        self.messages, self.commands = [], []
        super().__init__(context)

    @property
    def url(self):
        return "smtp://127.0.0.1:%d" % self.port

    def say(self, sock, verb):
        action = self.replies.get(verb, b"502 5.5.2 What?\r\n")
        if isinstance(action, list):
            action = action.pop(0) if len(action) > 1 else action[0]
        if callable(action):
            action = action(self, sock)
        if action:
            sock.sendall(action)

    def serve(self, sock, number):
        stream = sock.makefile("rb")
        self.say(sock, "GREETING")
        for line in stream:
            verb = line.split()[0].decode().upper()
            with self.lock:
                self.commands.append((number, line.decode().rstrip()))
            if verb == "DATA":
                self.say(sock, "DATA")
                message = b""
                for text in stream:
                    if text == b".\r\n":
                        break
                    message += text[1:] if text.startswith(b".") else text
                else:
                    return
                with self.lock:
                    self.messages.append(message)
                self.say(sock, "DOT")
            else:
                self.say(sock, verb)
            if verb == "QUIT":
                return


def make_certificate(directory):
    """A certificate for localhost and 127.0.0.1 that is its own authority."""
    certificate = os.path.join(directory, "cert.pem")
    key = os.path.join(directory, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out",
         certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def dead_port():
    """Nobody listens there; it stays bound, lest somebody else comes to."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    DEAD_SOCKETS.append(sock)
    return sock.getsockname()[1]


DEAD_SOCKETS = []


def provider(name, kind, channel=None, **options):
    entry = {"name": name, "kind": kind,
             "options": {k: str(v) for k, v in options.items()}}
    if channel:
        entry["channel"] = channel
    return entry


def equal(found, wanted, what=""):
    assert found == wanted, "%s: %r instead of %r" % (what, found, wanted)


def check(outcome, name, code=None, fault=None, retry=None, detail=None):
    equal(outcome.name, name, "class of %r" % outcome)
    if code is not None:
        equal(outcome.code, code, "code of %r" % outcome)
    if fault is not None:
        equal(outcome.fault, fault, "fault of %r" % outcome)
    if retry is not None:
        equal(outcome.retry_after_ms, retry, "delay of %r" % outcome)
    if detail is not None:
        assert detail in outcome.detail, outcome


def run_tests(names, word):
    """Runs the test_ functions whose name has the word, and prints TAP."""
    tests = [(name, test) for name, test in names.items()
             if name.startswith("test_") and word in name]
    print("1..%d" % len(tests), flush=True)
    failed = 0
    for number, (name, test) in enumerate(tests, 1):
        start = time.monotonic()
        result, why = "ok", ""
        try:
            test()
        except Exception:
            result, why = "not ok", traceback.format_exc()
            failed += 1
        print("%s %d - %s # %.2f s" % (
            result, number, name[5:].replace("_", " "),
            time.monotonic() - start), flush=True)
        # What a failed test says follows it, as everywhere in TAP.
        for line in why.splitlines():
            print("# " + line, flush=True)
    sys.exit(1 if failed else 0)
