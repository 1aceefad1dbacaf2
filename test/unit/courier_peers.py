#!/usr/bin/python3
"""Runs the courier against servers that misbehave, and prints TAP.

usage: courier_peers.py COURIER [WORD]   (only tests whose name has WORD)
"""

import base64
import contextlib
import email
import email.policy
import html
import io
import json
import logging
import os
import quopri
import re
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from email.header import decode_header, make_header
from email.utils import formatdate, parseaddr
from urllib.parse import parse_qs, quote, quote_plus

logging.disable()
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from courier_harness import (HANGS, PATIENCE, SOON, Courier,  # noqa: E402
                             HttpServer, Server, SmtpServer, check,
                             dead_port, equal, free_port, job_payload,
                             make_certificate, provider, reply, run_tests)

BINARY = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None
DIRECTORY = tempfile.TemporaryDirectory(prefix="courier-test.")
CERTIFICATE, TLS = make_certificate(DIRECTORY.name)
SID = "AC" + "0" * 32
SECRET = "correct-horse-battery"


def smtp(server, **options):
    url = server if isinstance(server, str) else server.url
    return provider("mail", "smtp", "EMAIL", **dict(
        {"url": url, "sender": "Groups <hello@example.com>",
         "timeout": PATIENCE, "connect_timeout": PATIENCE}, **options))


def http(server, **options):
    url = server if isinstance(server, str) else server.url + "/send"
    return provider("sms", "http", "MOBILE", **dict(
        {"url": url, "id_path": "id", "timeout": PATIENCE,
         "connect_timeout": PATIENCE}, **options))


def twilio(server, **options):
    return provider("sms", "twilio", "MOBILE", **dict(
        {"base_url": server.url, "account_sid": SID, "sender": "+15005550006",
         "password": SECRET, "timeout": PATIENCE}, **options))


# --- the message -----------------------------------------------------------

MAIL = {"to": "b@g.com", "to_name": "Bärnaby \"G\" \u202eevil\r\nBcc: x@y.z",
        "subject": "Einladung – " + "sehr langer Betreff ëß " * 12,
        "text": "Grüße = 1\r\n.\r\n..two\nFrom me \n" + "x" * 3000 + "\nend",
        "html": "<p>日本語 &amp; mehr</p>\n" * 40,
        "unsubscribe_url": "https://x.example/u/" + "t" * 300,
        "reply_to": "Stephen <s@example.org>", "locale": "de",
        "message_key": "inv-0198aa-77.2.1"}


def one_blank(name):
    """Readers may make one of several blanks in a name (RFC 5322 3.2.2)."""
    return " ".join(name.split())


def check_mail(raw, sender="Groups <hello@example.com>"):
    assert b"\n" not in raw.replace(b"\r\n", b""), "a bare LF"
    assert b"\r" not in raw.replace(b"\r\n", b""), "a bare CR"
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert all(byte < 128 for byte in raw), "not ASCII"
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert not message.defects, message.defects
    for name in ("From", "To", "Subject", "Date", "Message-ID", "Reply-To",
                 "MIME-Version", "Auto-Submitted", "List-Unsubscribe",
                 "List-Unsubscribe-Post"):
        equal(len(message.get_all(name, [])), 1, name)
        assert not message[name].defects, (name, message[name].defects)
    assert "Bcc" not in message
    equal(str(message["From"]), sender)
    to = message["To"].addresses[0]
    equal(to.addr_spec, "b@g.com")
    equal(one_blank(to.display_name), "Bärnaby \"G\" evil Bcc: x@y.z")
    equal(str(message["Subject"]).strip(), MAIL["subject"].strip())
    equal(message["Message-ID"], "<inv-0198aa-77.2.1@example.com>")
    equal(message["Reply-To"].addresses[0].addr_spec, "s@example.org")
    equal(message["Auto-Submitted"], "auto-generated")
    equal(message["List-Unsubscribe"], "<%s>" % MAIL["unsubscribe_url"])
    equal(message["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")
    age = time.time() - message["Date"].datetime.timestamp()
    assert -5 < age < 600, message["Date"]
    equal(message.get_content_type(), "multipart/alternative")
    parts = list(message.iter_parts())
    equal([p.get_content_type() for p in parts], ["text/plain", "text/html"])
    for part, wanted in zip(parts, (MAIL["text"], MAIL["html"])):
        equal(part.get_content_charset(), "utf-8")
        assert part["Content-Transfer-Encoding"] in ("quoted-printable",
                                                     "base64")
        text = part.get_content().replace("\r\n", "\n").rstrip("\n")
        equal(text, wanted.replace("\r\n", "\n").rstrip("\n"))


TYPED = (
    "=?utf-8?B?DQpCY2M6IHZpY3RpbUBleGFtcGxlLm9yZw==?=",
    "=?utf-8?Q?=0D=0ABcc:_victim@example.org?=", "=?UTF-8?b?4oCuZXZpbA==?=",
    "a =?utf-8?q?x?= b", "x=?utf-8?q?x?=y", "=?utf-8?Q?a b?=", "=?", "=??=?=",
    "=?us-ascii?q?a?= =?us-ascii?q?b?=", "né =?utf-8?q?x?=",
    "アムステルダムで二月に開かれるピアノ演奏会を聴きに行く会",
    "กลุ่มคนรักเปียโนแห่งกรุงเทพมหานครและปริมณฑลที่รักดนตรีคลาสสิก",
    "Πρόσκληση στην ομάδα των φίλων του πιάνου στο Άμστερνταμ",
    "Einladung: Chöre & Orchester (Bühne), 50 % = halb", "Café one two naïve",
    "plain words only", "a  b   ö  c", "\U0001d11e" * 60, "e\u0301" * 80,
    "x" * 200, "ö" + "y" * 300, "Smith, \"Jo\" \\ (x) <a@b.example>",
    "\"" * 70, "a.b " * 49 + "c", "[Piano] @home; #1 it's 100_% ~ok?", "'", "\"=?")


def check_lines(head):
    for line in head.split("\r\n"):
        limit = 76 if "=?" in line else 78
        if "@" not in line and "https://" not in line:
            assert len(line) <= limit, (len(line), line)
        assert line.strip(), "a line of blanks: %r" % head
    for word in re.findall(r"=\?\S*", head):
        assert len(word) <= 75, (len(word), word)
        found = re.fullmatch(r'=\?utf-8\?([BQ])\?([!-~]*)\?=[,"]?', word)
        assert found, word
        # No character is cut: each word is UTF-8 by itself.
        data = found[2].encode()
        data = base64.b64decode(data) if found[1] == "B" else \
            quopri.decodestring(data, header=True)
        data.decode("utf-8")
        # RFC 2047 5 (3)
        assert found[1] == "B" or re.fullmatch(
            r"[A-Za-z0-9!*+/=_-]*", found[2]), word


def test_what_was_typed_is_what_readers_show():
    entry = smtp("smtp://relay.example:25")
    for typed in TYPED:
        order = {"provider": dict(entry, options=dict(
                     entry["options"],
                     sender='"%s" <hello@example.com>' % typed.replace(
                         "\\", "\\\\").replace('"', '\\"')
                     if len(typed) < 200 else "hello@example.com")),
                 "job": {"id": 1, "to": "b@g.com", "to_name": typed,
                         "subject": typed, "text": "x", "message_key": "k",
                         "unsubscribe_url": "https://x.example/u/t"}}
        result = run("compose", input=json.dumps(order).encode())
        equal(result.returncode, 0, result.stderr)
        head = result.stdout.decode("ascii").split("\r\n\r\n")[0]
        check_lines(head)
        # Two readers: the strict one of today, and the lenient one of old.
        strict = email.message_from_string(head, policy=email.policy.default)
        equal(str(strict["Subject"]), typed)
        old = email.message_from_string(head)
        unfolded = old["Subject"].replace("\n", "").replace("\r", "")
        equal(str(make_header(decode_header(unfolded))), typed)
        equal(len(strict["To"].addresses), 1)
        # Python 3.11 leaves a blank between two encoded words of a name.
        name = strict["To"].addresses[0].display_name.replace(" ", "")
        assert typed.replace(" ", "").startswith(name[:250]), (typed, name)
        name, address = parseaddr(old["To"].replace("\r\n", ""))
        name = str(make_header(decode_header(name)))
        equal(name, typed if len(typed.encode()) < 256 else typed[:len(name)])
        equal(address, "b@g.com")
        equal(strict["To"].addresses[0].addr_spec, "b@g.com")
        equal(strict["From"].addresses[0].addr_spec, "hello@example.com")
        for header in ("Bcc", "Cc"):
            assert header not in strict, head


def test_no_provider_is_handed_what_it_might_decode():
    entry = provider("mail", "http", "EMAIL", sender="G <g@example.com>", fields=(
        '{"s":"{subject}","n":"{to_name}","m":"{to_mailbox}","e":"{to_encoded}"}'))
    with HttpServer(reply("200 OK", '{"id":"1"}')) as server:
        entry["options"]["url"] = server.url + "/"
        with Courier(BINARY, entry) as courier:
            for typed in TYPED:
                check(courier.mail(subject=typed, to_name=typed), "accepted")
    for request, typed in zip(server.requests, TYPED):
        body = json.loads(request["body"])
        for name in "snm":
            assert "=?" not in body[name], body
        equal(body["s"].replace("= ?", "=?"), typed)
        for word in re.findall(r"=\?\S*", body["e"]):
            assert len(word) <= 75, word


def test_a_captured_mail_is_read_by_another_parser_as_it_was_meant():
    with Courier(BINARY, provider("mail", "capture", "EMAIL", sender=(
            "Groups <hello@example.com>"))) as courier:
        outcome = courier.mail(**MAIL)
        check(outcome, "accepted", "captured")
        check_mail(outcome.captured)


def test_a_captured_sms_is_its_text():
    with Courier(BINARY, provider("sms", "capture", "MOBILE")) as courier:
        outcome = courier.sms(text="Grüße €\nzwei")
        check(outcome, "accepted")
        equal(outcome.captured.decode(), "Grüße €\nzwei")


def test_no_field_of_a_mail_can_smuggle_a_line():
    evil = ["x\r\nBcc: <evil@z.example>", "x\nBcc: y", "x\rBcc: y", "x\x7fy",
            "x\u2028y", "x\u0085y"]
    with SmtpServer() as server:
        with Courier(BINARY, smtp(server)) as courier:
            for value in evil:
                for field in ("to", "subject", "message_key", "reply_to",
                              "unsubscribe_url", "locale"):
                    outcome = courier.mail(**{field: value})
                    check(outcome, "rejected", "message", detail=field
                          if field != "to" else None)
                check(courier.mail(to="b@y>" + value), "rejected")
                check(courier.mail(reply_to="N%s <a@b.example>" % value),
                      "rejected")
            equal(server.commands, [], "what reached the relay")
            for value in evil:
                check(courier.mail(to_name=value), "accepted")
            for message in server.messages:
                parsed = email.message_from_bytes(message)
                assert "Bcc" not in parsed, message
            equal({c for _, c in server.commands if c.startswith("RCPT")},
                  {"RCPT TO:<b@g.com>"})


def test_addresses_that_are_none_are_rejected():
    with SmtpServer() as server:
        with Courier(BINARY, smtp(server)) as courier:
            for to in ("", "b", "@g.com", "b@", "a@b@c.d", "b@g..com",
                       ".b@g.com", "b@g.com>", "<b@g.com>", "b c@g.com",
                       "a@b,c@d", "b\u00e9..@g.com", "x" * 65 + "@g.com", "\"a@g.com",
                       "\"a\"b\"@g.com", "\"a\r\nb\"@g.com", "b\u202e@g.com", "b@\u00e9.com"):
                check(courier.mail(to=to), "rejected", "message")
            equal(server.connections, 0)


def test_numbers_that_are_none_are_rejected():
    with HttpServer(reply("200 OK", "{}")) as server:
        with Courier(BINARY, http(server)) as courier:
            for to in ("", "27701231234", "+0701231234", "+27 70", "+12345",
                       "+1234567890123456", "+2770123\r\n1234"):
                check(courier.sms(to=to), "rejected", "message")
            equal(server.connections, 0)


def test_a_message_beyond_32_kib_is_rejected():
    with Courier(BINARY, provider("mail", "capture", "EMAIL")) as courier:
        check(courier.mail(text="x" * 20000, html="y" * 20000), "rejected",
              "message", detail="more than 32768")
        check(courier.mail(text="é" * 8000, html="=" * 16000), "accepted")


# --- SMTP ------------------------------------------------------------------

def test_a_relay_takes_many_mails_over_one_connection():
    with SmtpServer() as server:
        with Courier(BINARY, smtp(server, ehlo_name="client.example",
                                  max_connections=1)) as courier:
            outcome = courier.mail(**MAIL)
            check(outcome, "accepted", "250", detail="queued as 4XYZ")
            equal(outcome.message_id, "inv-0198aa-77.2.1@example.com")
            for _ in range(3):
                check(courier.mail(), "accepted")
            check_mail(server.messages[0])
            equal(server.connections, 1)
            equal(server.commands[0][1], "EHLO client.example")
            assert server.commands[1][1].startswith(
                "MAIL FROM:<hello@example.com>"), server.commands


def test_the_envelope_sender_can_differ():
    with SmtpServer() as server:
        with Courier(BINARY, smtp(
                server, envelope_sender="bounce@example.net")) as courier:
            check(courier.mail(), "accepted")
            assert "MAIL FROM:<bounce@example.net>" in server.commands[1][1]


TOKEN = "aZ_-" * 10
DSN = {"EHLO": b"250-peer\r\n250-dsn\r\n250 SIZE 1000000\r\n"}


def envelope(server):
    return [line for _, line in server.commands
            if line.startswith(("MAIL", "RCPT"))]


def test_every_mail_has_a_bounce_address_of_its_own():
    with SmtpServer() as server:
        with Courier(BINARY, smtp(
                server, max_connections=1,
                bounce_address="bounces@example.net")) as courier:
            check(courier.mail(receipt=TOKEN), "accepted")
            check(courier.mail(), "accepted")
        said = envelope(server)
        assert said[0].startswith(
            "MAIL FROM:<bounces+%s@example.net>" % TOKEN), said
        assert said[2].startswith("MAIL FROM:<bounces@example.net>"), said
        assert "ENVID" not in said[0], said


def test_a_bounce_address_too_long_for_a_relay_stays_bare():
    with SmtpServer() as server:
        with Courier(BINARY, smtp(
                server, bounce_address="b" * 23 + "@example.net")) as courier:
            check(courier.mail(receipt="t" * 41), "accepted")
            check(courier.mail(receipt="t" * 40), "accepted")
        said = envelope(server)
        assert "<%s@" % ("b" * 23) in said[0], said
        assert "<%s+%s@" % ("b" * 23, "t" * 40) in said[2], said


def test_a_relay_that_knows_dsn_is_told_the_envelope_id():
    with SmtpServer(**DSN) as server:
        with Courier(BINARY, smtp(
                server, max_connections=1,
                bounce_address="bounces@example.net")) as courier:
            for _ in range(2):
                check(courier.mail(receipt=TOKEN), "accepted")
            check(courier.mail(), "accepted")
        equal(server.connections, 1)
        said = envelope(server)
        for mail in (said[0], said[2]):
            words = mail.split()
            equal(words[1], "FROM:<bounces+%s@example.net>" % TOKEN)
            equal(words[2], "RET=HDRS")
            equal(words[3].rstrip(">"), "ENVID=" + TOKEN)
        assert said[1].startswith("RCPT TO:<b@g.com>"), said
        assert "ENVID" not in said[4], said


def test_no_address_brings_parameters_of_its_own_into_a_command():
    for to, said_as in (('"two words"@example.com', '"two+20words"@example.com'),
                        ('"x NOTIFY=NEVER"@example.com',
                         '"x+20NOTIFY+3DNEVER"@example.com'),
                        ("a+b=c@example.com", "a+2Bb+3Dc@example.com")):
        with SmtpServer(**DSN) as server:
            with Courier(BINARY, smtp(server)) as courier:
                check(courier.mail(to=to, receipt=TOKEN), "accepted")
        equal(envelope(server)[1],
              "RCPT TO:<%s> NOTIFY=FAILURE ORCPT=rfc822;%s" % (to, said_as))


def test_only_what_is_offered_after_starttls_counts():
    class Relay(SmtpServer):
        def serve(self, sock, number):
            stream = sock.makefile("rb")
            sock.sendall(b"220 peer\r\n")
            stream.readline()
            sock.sendall(b"250-peer\r\n250-DSN\r\n250 STARTTLS\r\n")
            stream.readline()
            sock.sendall(b"220 go\r\n")
            stream.close()
            super().serve(TLS.wrap_socket(sock, server_side=True), number)

    with Relay(GREETING=b"") as server:
        with Courier(BINARY, smtp(server, tls="required",
                                  ca_file=CERTIFICATE)) as courier:
            check(courier.mail(receipt=TOKEN), "accepted")
        assert "ENVID" not in envelope(server)[0], server.commands


UTF8 = {"EHLO": b"250-peer\r\n250-SMTPUTF8\r\n250 SIZE 1000000\r\n"}


def test_an_address_beyond_ascii_goes_where_smtputf8_is_offered():
    with SmtpServer(**UTF8) as server:
        with Courier(BINARY, smtp(server, max_connections=1)) as courier:
            check(courier.mail(to="jörg@example.com"), "accepted")
            check(courier.mail(to="b@g.com"), "accepted")
        said = envelope(server)
        assert "SMTPUTF8" in said[0].split(), said
        equal(said[1].split()[1], "TO:<jörg@example.com>")
        assert "SMTPUTF8" not in said[2].split(), said
        message = server.messages[0]
        message = message if isinstance(message, bytes) else message.encode()
        assert "<jörg@example.com>".encode() in message, message[:400]


def test_and_nowhere_else():
    with SmtpServer() as server:
        with Courier(BINARY, smtp(server, max_connections=1)) as courier:
            check(courier.mail(to="jörg@example.com"), "rejected", "smtputf8",
                  detail="SMTPUTF8")
            check(courier.mail(to="b@g.com"), "accepted")
            check(courier.mail(to="jörg@example.com"), "rejected", "smtputf8")
            check(courier.mail(to="b@g.com"), "accepted")
            equal(server.connections, 1)
        said = envelope(server)
        assert not any("jörg" in line for line in said), said


def test_a_quoted_local_part_needs_nothing():
    with SmtpServer() as server:
        with Courier(BINARY, smtp(server, max_connections=1)) as courier:
            check(courier.mail(to='"two words"@example.com'), "accepted")
        equal(envelope(server)[1], 'RCPT TO:<"two words"@example.com>')


def test_a_token_never_comes_back():
    smtp_case({"MAIL": lambda server, sock:
               b"550 5.7.1 <" + server.commands[-1][1].encode() + b"> no\r\n"},
              "misconfigured", "550 5.7.1", detail="bounces+***@",
              options={"bounce_address": "bounces@example.net"},
              job={"receipt": TOKEN})


def smtp_case(replies, *wanted, jobs=1, options=None, job=None, **checks):
    with SmtpServer(**replies) as server:
        with Courier(BINARY, smtp(server, max_connections=1,
                                  **(options or {}))) as courier:
            for _ in range(jobs):
                outcome = courier.mail(**(job or {}))
            check(outcome, *wanted, **checks)
            return server, outcome


def test_a_421_greeting_is_the_relays_trouble():
    smtp_case({"GREETING": b"421 4.3.2 busy\r\n"}, "retry", "421 4.3.2",
              fault=True)


def test_a_554_greeting_is_a_matter_of_configuration():
    smtp_case({"GREETING": b"554 5.7.1 go away\r\n"}, "misconfigured",
              "554 5.7.1")


def greet_late(server, sock):
    time.sleep(3)
    return b"220 at last\r\n"


PIPELINING = {"EHLO": b"250-peer\r\n250-PIPELINING\r\n250 SIZE 1000000\r\n"}


class PipeliningRelay(SmtpServer):
    """Counts how many pieces its commands come in."""

    def serve(self, sock, number):
        self.pieces = 0
        super().serve(CountingSocket(self, sock), number)


class CountingSocket:
    def __init__(self, server, sock):
        self.server, self.sock = server, sock
        self.sendall, self.shutdown = sock.sendall, sock.shutdown

    def makefile(self, mode):
        counting = self

        class Raw(io.RawIOBase):
            def readable(self):
                return True

            def readinto(self, buffer):
                count = counting.sock.recv_into(buffer)
                counting.server.pieces += 1
                return count
        return io.BufferedReader(Raw())


def test_a_relay_that_offers_it_gets_its_commands_at_once():
    with PipeliningRelay(**PIPELINING) as server:
        with Courier(BINARY, smtp(server, max_connections=1)) as courier:
            check(courier.mail(), "accepted", "250")
            server.pieces = 0
            for _ in range(3):
                check(courier.mail(), "accepted", "250")
            equal(server.pieces, 6, "two of each mail")
            equal(server.connections, 1)
            equal([c.split(":")[0] for n, c in server.commands[1:4]],
                  ["MAIL FROM", "RCPT TO", "DATA"])
            equal(len(server.messages), 4)


def test_of_commands_said_at_once_the_first_refusal_counts():
    for verb, stage in (("MAIL", "misconfigured"), ("RCPT", "rejected")):
        replies = dict(PIPELINING, DATA=[b"554 5.5.1 no valid recipients\r\n",
                                         SmtpServer.DEFAULTS["DATA"]])
        replies[verb] = [b"550-5.7.1 no\r\n550 5.7.1 first\r\n"
                         if verb == "MAIL" else b"550 5.1.1 first\r\n",
                         SmtpServer.DEFAULTS[verb]]
        with SmtpServer(**replies) as server:
            with Courier(BINARY, smtp(server, max_connections=1)) as courier:
                outcome = courier.mail()
                assert "first" in outcome.detail, outcome
                assert outcome.code.startswith("550"), outcome
                check(courier.mail(), "accepted")
                equal(len(server.messages), 1)


def test_a_relay_that_wants_the_body_of_a_refused_mail_gets_none():
    with SmtpServer(**dict(PIPELINING, RCPT=[
            b"550 5.1.1 no\r\n", SmtpServer.DEFAULTS["RCPT"]])) as server:
        with Courier(BINARY, smtp(server, max_connections=1)) as courier:
            check(courier.mail(), "rejected", "550 5.1.1")
            check(courier.mail(), "accepted")
            equal(server.connections, 2)
            equal(len(server.messages), 1, "whole messages")
            assert not any("QUIT" in c for n, c in server.commands if n == 1)


def test_a_relay_that_ends_the_connection_amid_the_commands_is_tried_again():
    def leave(server, sock):
        raise EOFError
    for verb in ("MAIL", "RCPT", "DATA"):
        with SmtpServer(**dict(PIPELINING, **{verb: [
                SmtpServer.DEFAULTS[verb], leave,
                SmtpServer.DEFAULTS[verb]]})) as server:
            with Courier(BINARY, smtp(server, max_connections=1)) as courier:
                check(courier.mail(), "accepted")
                # Without a word, the kept connection is replaced at once.
                check(courier.mail(),
                      "accepted" if verb == "MAIL" else "retry")
                check(courier.mail(), "accepted")
                equal(server.connections, 2)


def test_a_reply_that_no_command_may_have_is_none():
    for verb, outcome in (("MAIL", "retry"), ("RCPT", "retry"),
                          ("DATA", "retry")):
        for offers in ({}, PIPELINING):
            smtp_case(dict(offers, **{verb: b"354 go on\r\n" if verb != "DATA"
                                      else b"250 Ok\r\n"}), outcome, "curl 8",
                      detail="the relay answered")


def test_what_a_relay_says_before_it_is_asked_answers_nothing():
    usual = SmtpServer.DEFAULTS
    ahead = (("MAIL", usual["MAIL"] + usual["RCPT"] + usual["DATA"] + usual["DOT"]),
             ("MAIL", usual["MAIL"] + usual["RCPT"]),
             ("RCPT", usual["RCPT"] + usual["DATA"]),
             ("RCPT", usual["RCPT"] + b"\r\n"),
             ("DATA", usual["DATA"] + usual["DOT"]),
             ("DATA", usual["DATA"] + b"250"))
    for verb, said in ahead:
        replies = {verb: [said, usual[verb]]}
        if verb == "MAIL":  # what it says of the recipient, were it asked
            replies["RCPT"] = [b"550 5.1.1 no\r\n"]
        server, _ = smtp_case(replies, "retry", "curl 8",
                              detail="before it was asked")
        equal(server.messages, [], "what was handed over")
    # With PIPELINING nothing may follow the 354.
    for said in (usual["DATA"] + usual["DOT"], usual["DATA"] + b"250"):
        server, _ = smtp_case(
            dict(PIPELINING, DATA=[said, usual["DATA"]]), "retry", "curl 8",
            detail="before it was asked")
        equal(server.messages, [], "what was handed over")
        server, _ = smtp_case(
            dict(PIPELINING, DATA=[said, usual["DATA"]]), "accepted", jobs=2)
        equal(server.connections, 2)


def test_an_answer_to_the_dot_that_says_neither_yes_nor_no_is_uncertain():
    for said in (b"354 more?", b"999 hm", b"600 no", b"199 wait", b"000"):
        smtp_case({"DOT": said + b"\r\n"}, "uncertain", "curl 8",
                  detail="the relay answered " + said[:3].decode())


def test_a_code_of_no_class_refuses_nothing():
    for verb in ("MAIL", "RCPT", "DATA"):
        for said in (b"999 hm", b"600 5.1.1 no", b"199 wait", b"000"):
            for offers in ({}, PIPELINING):
                smtp_case(dict(offers, **{verb: said + b"\r\n"}), "retry",
                          "curl 8", fault=True,
                          detail="the relay answered " + said[:3].decode())


def test_a_line_that_begins_like_a_reply_is_none():
    for line in (b"5500 no", b"550no", b"550\tno", b"55 no", b"5.5.0 no"):
        smtp_case({"RCPT": line + b"\r\n250 Ok\r\n"}, "accepted", "250")


def test_lines_that_begin_with_a_dot_arrive_as_they_were():
    text = ".\n..\n.x\n\n.\nEnd without a line's end\n."
    for html_part in ("", "<p>\n.\n.</p>"):
        with SmtpServer() as server:
            with Courier(BINARY, smtp(server, max_connections=1)) as courier:
                check(courier.mail(text=text, html=html_part), "accepted")
                check(courier.mail(text=text, html=html_part), "accepted")
            equal(len(server.messages), 2)
            for raw in server.messages:
                message = email.message_from_bytes(
                    raw, policy=email.policy.default)
                body = message.get_body(("plain",)).get_content()
                equal(body.replace("\r", "").rstrip("\n"), text)


def test_a_relay_that_took_the_connection_may_greet_late():
    smtp_case({"GREETING": greet_late}, "accepted",
              options={"connect_timeout": 1})


def test_a_relay_that_never_greets_is_left_after_its_own_time():
    began = time.monotonic()
    smtp_case({"GREETING": lambda server, sock: time.sleep(HANGS)}, "retry",
              "curl 28", options={"greeting_timeout": 1, "timeout": HANGS})
    assert time.monotonic() - began < SOON


class NarrowRelay(SmtpServer):
    """Takes `room` connections at once."""

    def __init__(self, room, **replies):
        self.room, self.open, self.refused = room, 0, 0
        super().__init__(**replies)

    def serve(self, sock, number):
        with self.lock:
            full = self.open >= self.room
            self.open += not full
            self.refused += full
        if full:
            sock.sendall(b"421 4.7.0 too many connections from your IP\r\n")
            return
        try:
            super().serve(sock, number)
        finally:
            with self.lock:
                self.open -= 1


def answer_slowly(server, sock):
    time.sleep(0.02)
    return b"250 2.0.0 Ok\r\n"


def test_a_relay_that_takes_few_connections_costs_no_message_a_try():
    with NarrowRelay(2, DOT=answer_slowly) as relay:
        with Courier(BINARY, smtp(relay, max_connections=8)) as courier:
            ids = [courier.submit("mail", to="a%d@g.com" % i, subject="s",
                                  text="t") for i in range(100)]
            courier.wait(*ids)
            for outcome in courier.outcomes.values():
                check(outcome, "accepted")
            equal(len(relay.messages), 100, "each once")
            assert outcome.connections in (1, 2, 3), outcome.connections
            assert relay.refused < 20, relay.refused


def test_an_only_connection_that_is_too_many_is_a_refusal():
    with NarrowRelay(0) as relay:
        with Courier(BINARY, smtp(relay, max_connections=8)) as courier:
            outcome = courier.mail()
            check(outcome, "retry", "421 4.7.0", fault=True)


def test_greylisting_is_tried_again_with_the_usual_back_off():
    smtp_case({"RCPT": b"450 4.7.1 Greylisted\r\n"}, "retry", "450 4.7.1",
              retry=-1, fault=False)


def test_a_451_is_tried_again_and_then_taken():
    server, _ = smtp_case(
        {"RCPT": [b"451 4.2.0 later\r\n", b"250 Ok\r\n"]}, "accepted", jobs=2)
    equal(server.connections, 2)


def test_an_unknown_mailbox_is_rejected_in_the_relays_own_words():
    smtp_case({"RCPT": b"550-5.1.1 no such user\r\n"
                       b"550-5.1.1 here, \xff\x07 see\r\n"
                       b"550 5.1.1 example.com/help\r\n"},
              "rejected", "550 5.1.1", fault=False,
              detail="no such user here, ?  see example.com/help")


def test_a_refused_sender_is_a_matter_of_configuration():
    smtp_case({"MAIL": b"550 not your domain\r\n"}, "misconfigured", "550")


def test_relaying_denied_is_a_matter_of_configuration():
    smtp_case({"RCPT": b"554 5.7.1 <b@g.com>: Relay access denied\r\n"},
              "misconfigured", "554 5.7.1")


def test_a_full_mailbox_is_tried_again():
    smtp_case({"DOT": b"552 5.2.2 mailbox full\r\n"}, "retry", "552 5.2.2",
              fault=False)


def test_spam_is_rejected():
    smtp_case({"DOT": b"554 5.7.1 looks like spam\r\n"}, "rejected",
              "554 5.7.1", detail="looks like spam")


def test_a_421_after_the_dot_means_not_taken():
    smtp_case({"DOT": b"421 4.3.0 shutting down\r\n"}, "retry", "421 4.3.0",
              fault=True)


def test_a_connection_lost_after_the_dot_is_uncertain():
    def drop(server, sock):
        sock.shutdown(socket.SHUT_RDWR)
    smtp_case({"DOT": drop}, "uncertain", fault=True)


def test_a_connection_reset_after_the_dot_is_uncertain():
    smtp_case({"DOT": lambda server, sock: server.reset(sock)}, "uncertain")


def test_a_connection_lost_before_the_body_is_not():
    for verb in ("EHLO", "MAIL", "RCPT", "DATA"):
        smtp_case({verb: lambda server, sock: server.reset(sock)}, "retry",
                  fault=True)


def test_a_closed_connection_is_told_in_words():
    for verb in ("EHLO", "RCPT", "DATA"):
        _, outcome = smtp_case(
            {verb: lambda server, sock: sock.shutdown(socket.SHUT_RDWR)},
            "retry", fault=True)
        assert outcome.detail == (
            "the server closed the connection without an answer"), outcome


def test_a_late_reply_after_the_dot_never_answers_the_next_mail():
    late = threading.Event()

    def answer_late(server, sock):
        late.wait(HANGS)
        return b"250 2.0.0 queued as LATE\r\n"

    with SmtpServer(DOT=[answer_late, b"550 5.1.1 second\r\n"]) as server:
        with Courier(BINARY, smtp(server, timeout=4,
                                  max_connections=1)) as courier:
            check(courier.mail(), "uncertain", "curl 28")
            late.set()
            check(courier.mail(), "rejected", "550 5.1.1", detail="second")
            equal(server.connections, 2)


def test_a_relay_that_hangs_after_the_dot_does_not_hold_the_next_mail():
    with SmtpServer(DOT=Server.hang) as server:
        with Courier(BINARY, smtp(server, timeout=2,
                                  max_connections=1)) as courier:
            start = time.monotonic()
            check(courier.mail(), "uncertain")
            check(courier.mail(), "uncertain")
            assert time.monotonic() - start < SOON
            equal(server.connections, 2)


def test_a_relay_that_hangs_costs_no_more_than_the_timeout():
    for verb in ("GREETING", "EHLO", "MAIL", "RCPT", "DATA"):
        server, outcome = smtp_case({verb: Server.hang}, "retry", fault=True,
                                    options={"timeout": 1,
                                             "greeting_timeout": 1,
                                             "connect_timeout": 1})
        assert outcome.elapsed_us < SOON * 1e6, outcome


class HangOnce:
    """Hangs the first time, and then replies as usual."""

    def __init__(self, usual):
        self.usual, self.lock, self.was_called = usual, threading.Lock(), False
        self.begun = threading.Event()

    def __call__(self, server, sock, *unused):
        with self.lock:
            first, self.was_called = not self.was_called, True
        if first:
            self.begun.set()
            self.hang(server, sock)
            raise EOFError
        sock.sendall(self.usual)

    def hang(self, server, sock):
        server.hang()


class StreamOnce(HangOnce):
    """Says `first` and lines of a reply that never ends the first time."""

    def __init__(self, usual, first=b""):
        super().__init__(usual)
        self.first = first

    def hang(self, server, sock):
        sock.sendall(self.first)
        while not server.stopping.is_set():
            sock.sendall(b"250-x\r\n" * 100000)


def test_a_reply_whose_lines_never_end_costs_one_try_and_delays_nobody():
    refusal = b"550 5.1.1 no\r\n"
    cases = [(context, {verb: StreamOnce(SmtpServer.DEFAULTS[verb])},
              "uncertain" if verb == "DOT" else "retry")
             for context in (None, TLS)
             for verb in ("EHLO", "MAIL", "RCPT", "DATA", "DOT")]
    # What is said behind a refusal is heard by the thread of all connections.
    cases += [(context, dict(PIPELINING, RCPT=StreamOnce(
        SmtpServer.DEFAULTS["RCPT"], refusal)), "rejected")
        for context in (None, TLS)]
    for context, replies, wanted in cases:
        stream = next(r for r in replies.values() if callable(r))
        with SmtpServer(context, **replies) as server:
            url = server.url.replace("smtp:", "smtps:" if context else "smtp:")
            with Courier(BINARY, smtp(url, max_connections=2, timeout=2,
                                      greeting_timeout=2,
                                      ca_file=CERTIFICATE)) as courier:
                first = courier.submit("mail", to="b@g.com", subject="s",
                                       text="t")
                assert stream.begun.wait(HANGS)
                check(courier.mail(timeout=SOON), "accepted")
                outcome = courier.wait(first, timeout=SOON)
                # libcurl bounds an answer to EHLO by its length.
                assert outcome.code in ("550 5.1.1" if wanted == "rejected"
                                        else ("curl 28", "curl 56")), outcome
                equal(outcome.name, wanted, outcome)
                check(courier.mail(timeout=SOON), "accepted")


def test_a_relay_that_drips_cannot_hold_a_thread_for_ever():
    def drip(server, sock):
        for byte in b"220 " + b"x" * 600:
            sock.sendall(bytes([byte]))
            if server.stopping.wait(0.2):
                return
    _, outcome = smtp_case({"GREETING": drip}, "retry", fault=True,
                           options={"timeout": 1, "greeting_timeout": 1,
                                    "connect_timeout": 1})
    assert outcome.elapsed_us < SOON * 1e6, outcome


def test_a_relay_that_never_says_goodbye_delays_nothing():
    _, outcome = smtp_case({"RCPT": b"550 5.1.1 no\r\n", "QUIT": Server.hang},
                           "rejected", options={"timeout": 600})
    assert outcome.elapsed_us < SOON * 1e6, outcome


def test_an_idle_connection_the_relay_closed_is_replaced():
    def close_after(server, sock):
        sock.sendall(SmtpServer.DEFAULTS["DOT"])
        sock.shutdown(socket.SHUT_WR)
        raise EOFError

    server, _ = smtp_case({"DOT": [close_after,
                                   SmtpServer.DEFAULTS["DOT"]]},
                          "accepted", jobs=2)
    equal(server.connections, 2)
    equal(len(server.messages), 2)


def test_an_idle_connection_the_relay_ended_with_421_is_replaced():
    def bid_farewell(server, sock):
        sock.sendall(SmtpServer.DEFAULTS["DOT"] + b"421 4.4.2 idle\r\n")
        raise EOFError
    server, _ = smtp_case({"DOT": [bid_farewell,
                                   SmtpServer.DEFAULTS["DOT"]]},
                          "accepted", jobs=2)
    equal(len(server.messages), 2)


def test_a_connection_that_dies_when_it_is_used_again_is_replaced():
    for last_words in (b"", b"421 4.4.2 idle too long\r\n"):
        def die(server, sock, last_words=last_words):
            sock.sendall(last_words)
            raise EOFError
        good = SmtpServer.DEFAULTS["MAIL"]
        server, _ = smtp_case({"MAIL": [good, die, good]}, "accepted", jobs=2)
        equal((server.connections, len(server.messages)), (2, 2))


def test_a_relay_that_is_not_there_is_tried_again():
    with Courier(BINARY, smtp("smtp://127.0.0.1:%d" % dead_port())) as courier:
        check(courier.mail(), "retry", "curl 7", fault=True)


def test_a_relay_that_only_knows_helo_is_served():
    smtp_case({"EHLO": b"502 5.5.2 unknown\r\n"}, "accepted")


def test_tls_required_does_not_talk_without():
    with SmtpServer() as server:
        with Courier(BINARY, smtp(server, tls="required")) as courier:
            check(courier.mail(), "misconfigured", "curl 64")
            assert not any("MAIL" in c for _, c in server.commands)


def test_an_untrusted_certificate_is_a_matter_of_configuration():
    with SmtpServer(context=TLS) as server:
        url = server.url.replace("smtp:", "smtps:")
        with Courier(BINARY, smtp(url)) as courier:
            check(courier.mail(), "misconfigured", "curl 60")
        with Courier(BINARY, smtp(url, ca_file=CERTIFICATE)) as courier:
            check(courier.mail(), "accepted")


def aiosmtpd_server():
    """Debian's aiosmtpd with STARTTLS and AUTH, both required."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    class Handler:
        messages = []

        async def handle_DATA(self, server, session, envelope):
            self.messages.append((envelope.mail_from, envelope.rcpt_tos,
                                  envelope.original_content))
            return "250 2.0.0 taken"

    def authenticate(server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (b"user", SECRET.encode())
        return AuthResult(success=good, handled=False)

    handler = Handler()
    for attempts_left in range(4, -1, -1):
        controller = Controller(
            handler, hostname="127.0.0.1", port=free_port(),
            ready_timeout=PATIENCE, tls_context=TLS, require_starttls=True,
            auth_required=True, authenticator=authenticate)
        try:
            controller.start()
            return controller, handler
        except OSError:  # the port was taken meanwhile
            if not attempts_left:
                raise


def test_aiosmtpd_takes_a_mail_over_starttls_with_a_password():
    controller, handler = aiosmtpd_server()
    try:
        url = "smtp://127.0.0.1:%d" % controller.port
        options = {"tls": "required", "ca_file": CERTIFICATE,
                   "username": "user"}
        with Courier(BINARY, smtp(url, password=SECRET, **options)) as courier:
            check(courier.mail(**MAIL), "accepted", "250", detail="taken")
            check(courier.mail(), "accepted")
        sender, recipients, content = handler.messages[0]
        equal((sender, recipients), ("hello@example.com", ["b@g.com"]))
        check_mail(content)
        with Courier(BINARY, smtp(url, password="wrong", **options)) as courier:
            outcome = courier.mail()
            check(outcome, "misconfigured", "535 5.7.8")
    finally:
        controller.stop()


def test_a_password_is_never_sent_in_the_clear():
    with Courier(BINARY, smtp("smtp://relay.example.com:25", tls="none",
                              username="u", password=SECRET)) as courier:
        check(courier.mail(), "misconfigured", "provider",
              detail="only sent over TLS")
    with Courier(BINARY, http("http://gateway.example.com/", username="u",
                              password=SECRET)) as courier:
        check(courier.sms(), "misconfigured", "provider",
              detail="only sent over https")


# --- HTTP ------------------------------------------------------------------

def test_the_generic_provider_posts_json_with_an_idempotency_key():
    with HttpServer(reply("202 Accepted", '{"id":"M1"}')) as server:
        with Courier(BINARY, http(server, sender="+1555", max_connections=1,
                                  headers='{"X-Key":"k-{key}","X-None":"'
                                          '{to_name}"}')) as courier:
            outcome = courier.sms(text='Grüße "x" \\ \n\t€')
            check(outcome, "accepted", "http 202")
            equal(outcome.message_id, "M1")
            check(courier.sms(), "accepted")
            equal(server.connections, 1)
        request = server.requests[0]
        equal(request["line"], "POST /send HTTP/1.1")
        equal(json.loads(request["body"]),
              {"to": "+27701231234", "text": 'Grüße "x" \\ \n\t€',
               "key": "inv-1.1", "sender": "+1555"})
        equal(request["headers"]["idempotency-key"], ["inv-1.1"])
        equal(request["headers"]["content-type"], ["application/json"])
        equal(request["headers"]["x-key"], ["k-inv-1.1"])
        assert "x-none" not in request["headers"], request
        assert "expect" not in request["headers"], request
        equal(server.requests[1]["headers"]["idempotency-key"], ["inv-2.1"])


def test_fields_may_be_nested_and_empty_ones_are_left_out():
    fields = json.dumps({"message": {"to": ["{to_digits}"], "flag": True,
                                     "none": "{callback_url}"},
                         "empty": {"x": "{locale}"}, "n": 5,
                         "brace": "{{x}}"})
    with HttpServer(reply("200 OK", '{"id":7}')) as server:
        with Courier(BINARY, http(server, fields=fields)) as courier:
            equal(courier.sms().message_id, "7")
        equal(json.loads(server.requests[0]["body"]),
              {"message": {"to": ["27701231234"], "flag": True}, "n": 5,
               "brace": "{x}"})


def test_a_query_is_encoded_and_its_connection_kept():
    with HttpServer(reply("202 Accepted", "0: Accepted")) as server:
        with Courier(BINARY, http(
                server, body="query", method="GET", success="202",
                fields='{"to":"{to}","text":"{text}","u":"{username}"}',
                username="kannel", password=SECRET,
                max_connections=1)) as courier:
            check(courier.sms(text="a&b=c d+é"), "accepted")
            check(courier.sms(), "accepted")
        equal(server.connections, 1)
        equal(server.requests[0]["line"],
              "GET /send?to=%2B27701231234&text=a%26b%3Dc%20d%2B%C3%A9"
              "&u=kannel HTTP/1.1")


def test_twilio_gets_what_its_page_asks_for():
    answer = reply("201 Created", '{"sid":"SM123","status":"queued",'
                                  '"error_code":null}')
    with HttpServer(answer) as server:
        with Courier(BINARY, twilio(server)) as courier:
            outcome = courier.sms(text="Hi +1 é", expires_in_s=86400,
                                  callback_url="https://cb.example/r?a=1&b=2")
            check(outcome, "accepted", "http 201")
            equal(outcome.message_id, "SM123")
            check(courier.sms(expires_in_s=60), "accepted")
        request = server.requests[0]
        equal(request["line"],
              "POST /2010-04-01/Accounts/%s/Messages.json HTTP/1.1" % SID)
        equal(dict(urllib.parse.parse_qsl(request["body"],
                                          strict_parsing=True)),
              {"To": "+27701231234", "From": "+15005550006",
               "Body": "Hi +1 é", "ValidityPeriod": "36000",
               "StatusCallback": "https://cb.example/r?a=1&b=2"})
        assert "idempotency-key" not in request["headers"]
        equal(request["headers"]["content-type"],
              ["application/x-www-form-urlencoded"])
        equal(request["headers"]["authorization"], ["Basic " + base64.b64encode(
            (SID + ":" + SECRET).encode()).decode()])
        second = dict(urllib.parse.parse_qsl(server.requests[1]["body"]))
        equal(second["ValidityPeriod"], "60")
        assert "StatusCallback" not in second


def test_twilios_codes_decide_what_happens_next():
    cases = [("400 Bad Request", 21211, "rejected", False),
             ("400 Bad Request", 21610, "rejected", False),
             ("401 Unauthorized", 20003, "misconfigured", False),
             ("404 Not Found", 20404, "misconfigured", False),
             ("400 Bad Request", 21606, "misconfigured", False),
             ("429 Too Many Requests", 20429, "retry", True),
             ("400 Bad Request", 21611, "retry", True),
             ("400 Bad Request", 99999, "rejected", False),
             ("503 Unavailable", 99999, "retry", True)]
    for status, code, name, fault in cases:
        answer = reply(status, json.dumps(
            {"code": code, "message": "why\u0007 not", "status": 400}))
        with HttpServer(answer) as server:
            with Courier(BINARY, twilio(server)) as courier:
                check(courier.sms(), name, str(code), fault=fault,
                      detail="why  not")


def http_case(answer, *wanted, jobs=1, options=None, **checks):
    with HttpServer(answer) as server:
        with Courier(BINARY, http(server, max_connections=1,
                                  **(options or {}))) as courier:
            for _ in range(jobs):
                outcome = courier.sms()
            check(outcome, *wanted, **checks)
            return server, outcome


def test_429_waits_as_many_seconds_as_it_is_told():
    http_case(reply("429 Slow", "", "Retry-After: 7\r\n"), "retry",
              "http 429", fault=True, retry=7000)


def test_503_waits_until_the_date_it_is_told():
    date = formatdate(time.time() + 3600, usegmt=True)
    _, outcome = http_case(
        reply("503 Down", "", "Retry-After: %s\r\n" % date), "retry",
        fault=True)
    assert 3000000 <= outcome.retry_after_ms <= 3601000, outcome


def test_a_date_in_the_past_or_nonsense_is_no_delay():
    http_case(reply("503 Down", "", "Retry-After: %s\r\n" % formatdate(
        1000000, usegmt=True)), "retry", retry=0)
    http_case(reply("429 Slow", "", "Retry-After: soon\r\n"), "retry",
              retry=-1)
    http_case(reply("429 Slow", "", "Retry-After: 99999999999\r\n"), "retry",
              retry=86400000)


def test_gateway_errors_leave_a_send_uncertain():
    for status in ("500 Oops", "502 Bad Gateway", "504 Timeout"):
        http_case(reply(status, "<html>"), "uncertain",
                  "http " + status[:3], fault=True)


def test_other_statuses_mean_what_they_say():
    for status, name in (("400 Bad", "rejected"), ("422 No", "rejected"),
                         ("401 Who", "misconfigured"),
                         ("403 No", "misconfigured"),
                         ("404 Where", "misconfigured"), ("408 Late", "retry"),
                         ("425 Early", "retry")):
        http_case(reply(status, "because"), name, detail="because")


def test_a_redirect_is_not_followed():
    with HttpServer(reply("200 OK", "{}")) as other:
        _, outcome = http_case(
            reply("302 Found", "moved", "Location: %s\r\n" % other.url),
            "misconfigured", "http 302")
        equal(other.connections, 0)
        equal(outcome.detail,
              "it redirects to %s, which is not followed" % other.url)


def test_a_server_that_hangs_leaves_the_message_uncertain():
    _, outcome = http_case(lambda server, sock, count: server.hang(),
                           "uncertain", "curl 28", fault=True,
                           options={"timeout": 3})
    assert outcome.elapsed_us < SOON * 1e6


def test_a_kept_connection_that_hangs_leaves_the_message_uncertain_as_soon():
    def answer_once(server, sock, count):
        if count > 1:
            server.hang()
        sock.sendall(reply("200 OK", '{"id":"1"}'))
    with HttpServer(answer_once) as server:
        with Courier(BINARY, http(server, max_connections=1,
                                  timeout=3)) as courier:
            check(courier.sms(), "accepted")
            outcome = courier.sms()
            check(outcome, "uncertain", "curl 28", fault=True)
            assert outcome.elapsed_us < SOON * 1e6, outcome
        equal(server.connections, 1)


def test_what_cannot_be_sent_over_a_kept_connection_is_told_at_once():
    options = {"headers": '{"X-Text":"{text}"}'}
    with HttpServer(reply("200 OK", "{}")) as server:
        with Courier(BINARY, http(server, **options)) as courier:
            check(courier.sms(), "accepted")
            check(courier.sms(text="x\r\nX-Evil: 1", timeout=SOON),
                  "rejected", "message")
            check(courier.sms(), "accepted")
        equal(len(server.requests), 2)


def test_a_server_that_resets_leaves_the_message_uncertain():
    http_case(lambda server, sock, count: server.reset(sock), "uncertain",
              fault=True)


def test_a_half_closed_connection_leaves_the_message_uncertain():
    def half_close(server, sock, count):
        sock.shutdown(socket.SHUT_WR)
        server.hang()
    http_case(half_close, "uncertain", "curl 52", fault=True)


def test_garbage_is_no_answer():
    http_case(lambda server, sock, count: sock.sendall(b"\0\1 garbage\r\n"),
              "uncertain", options={"timeout": 3})


def test_a_status_line_counts_however_slowly_the_rest_drips():
    def drip(server, sock, count):
        sock.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n{")
        while not server.stopping.wait(0.1):
            sock.sendall(b" ")
    _, outcome = http_case(drip, "accepted", "http 201",
                           options={"timeout": 3})
    assert outcome.elapsed_us < SOON * 1e6


def test_a_huge_answer_is_cut_and_still_counts():
    def flood(server, sock, count):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1%s\r\n\r\n"
                     % (b"0" * 12))
        while True:
            sock.sendall(b"x" * 1000000)
    _, outcome = http_case(flood, "accepted", "http 200", jobs=2,
                           options={"timeout": 600})
    assert outcome.elapsed_us < SOON * 1e6


def test_a_condition_on_the_answer_is_obeyed():
    rule = {"success": "2xx messages[*].status=0",
            "code_path": "messages[0].status", "text_path": "messages[0].why"}
    http_case(reply("200 OK", '{"messages":[{"status":"0"},{"status":0}]}'),
              "accepted", options=rule)
    http_case(reply("200 OK", '{"messages":[{"status":"9","why":"quota"}]}'),
              "rejected", "9", detail="quota", options=rule)
    http_case(reply("200 OK", "not json"), "uncertain", options=rule)
    http_case(reply("204 Nothing"), "uncertain", options=rule)


def test_a_dead_keep_alive_never_sends_a_message_twice():
    query = {"body": "query", "method": "GET"}
    for kill, options in [("reset", {}), ("close", {}), ("reset", query),
                          ("close", query), ("close", {"method": "PUT"})]:
        def answer(server, sock, count, kill=kill):
            if count == 2:
                if kill == "reset":
                    server.reset(sock)
                raise EOFError
            sock.sendall(reply("200 OK", '{"id":"1"}'))
        with HttpServer(answer) as server:
            with Courier(BINARY, http(server, max_connections=1,
                                      **options)) as courier:
                check(courier.sms(), "accepted")
                check(courier.sms(), "uncertain", fault=True)
                equal(len(server.requests), 2, "requests the server saw")
                equal(server.connections, 1, "nothing is opened for it")
                check(courier.sms(), "accepted")
                equal(len(server.requests), 3, "requests the server saw")


def test_a_keep_alive_the_server_closed_is_replaced():
    closed = threading.Semaphore(0)

    def close_after(server, sock, count):
        sock.sendall(reply("200 OK", '{"id":"1"}'))
        sock.shutdown(socket.SHUT_WR)
        closed.release()
        raise EOFError

    with HttpServer(close_after) as server:
        with Courier(BINARY, http(server, max_connections=1)) as courier:
            for _ in range(3):
                check(courier.sms(), "accepted")
                # A message on its way while the server closes is uncertain.
                equal(closed.acquire(timeout=HANGS), True)
        equal(len(server.requests), 3)


def test_no_value_can_smuggle_a_header():
    options = {"headers": '{"X-To":"{to_name}","X-Text":"{text}"}'}
    with HttpServer(reply("200 OK", "{}")) as server:
        with Courier(BINARY, http(server, **options)) as courier:
            for field in ("text", "message_key", "callback_url"):
                check(courier.sms(**{field: "x\r\nX-Evil: 1"}), "rejected",
                      "message")
            equal(server.requests, [])
            # A name is cleaned instead.
            check(courier.sms(to_name="x\r\nX-Evil: 1"), "accepted")
        equal(server.requests[0]["headers"]["x-to"], ["x  X-Evil: 1"])
        assert "x-evil" not in server.requests[0]["headers"]


def test_a_name_that_leads_to_a_private_address_is_refused():
    with HttpServer(reply("200 OK", "{}")) as server:
        url = "http://peer.localhost:%d/send" % server.port
        with Courier(BINARY, http(url)) as courier:
            check(courier.sms(), "misconfigured", "private address",
                  detail="allow_private")
        equal(server.connections, 0)
        with Courier(BINARY, http(url, allow_private="true")) as courier:
            check(courier.sms(), "accepted")
        url = "http://localhost:%d/send" % server.port
        with Courier(BINARY, http(url)) as courier:
            check(courier.sms(), "accepted")
    with Courier(BINARY, smtp("smtp://mail.localhost:25")) as courier:
        check(courier.mail(), "misconfigured", "private address",
              detail="resolves to the private address")


def test_the_environment_has_no_say():
    dead = "http://127.0.0.1:%d" % dead_port()
    keys = os.path.join(DIRECTORY.name, "keys")
    with HttpServer(reply("200 OK", "{}")) as server:
        with Courier(BINARY, http(server), env={
                "http_proxy": dead, "ALL_PROXY": dead,
                "SSLKEYLOGFILE": keys}) as courier:
            check(courier.sms(), "accepted")
    with SmtpServer(context=TLS) as server:
        url = server.url.replace("smtp:", "smtps:")
        with Courier(BINARY, smtp(url, ca_file=CERTIFICATE), env={
                "SSLKEYLOGFILE": keys}) as courier:
            check(courier.mail(), "accepted")
    assert not os.path.exists(keys), "TLS keys were written"


def test_a_secret_never_comes_back():
    answer = reply("401 No", "password %s is wrong" % SECRET)
    with HttpServer(answer) as server:
        with Courier(BINARY, twilio(server)) as courier:
            outcome = courier.sms()
            check(outcome, "misconfigured", detail="password *** is wrong")
    with HttpServer(reply("403 No", "token " + SECRET)) as server:
        with Courier(BINARY, http(server, bearer_token=SECRET)) as courier:
            check(courier.sms(), "misconfigured", detail="token ***")
        equal(server.requests[0]["headers"]["authorization"],
              ["Bearer " + SECRET])


# Letters that a header, JSON, a form, a URL and HTML spell in ways of their own.
KEY = 'k3y"\\&<%+/ pässwörd\U0001d11e{x}'


def test_a_gateway_gets_its_key_where_it_wants_it():
    cases = (
        ({"headers": '{"X-Api-Key":"{password}","X-User":"{username}"}',
          "username": "me"},
         lambda r: r["headers"]["x-api-key"] == [KEY]
         and r["headers"]["x-user"] == ["me"]),
        ({"headers": '{"Authorization":"App {password}"}'},
         lambda r: r["headers"]["authorization"] == ["App " + KEY]),
        ({"fields": '{"a":{"key":"{password}"},"text":"{text}"}'},
         lambda r: json.loads(r["body"])["a"]["key"] == KEY),
        ({"fields": '{"key":"{password}","text":"{text}"}', "body": "form"},
         lambda r: parse_qs(r["body"])["key"] == [KEY]),
        ({"fields": '{"key":"{password}","text":"{text}"}', "body": "query"},
         lambda r: parse_qs(r["line"].split()[1].split("?")[1])["key"]
         == [KEY]),
        ({"url": "/{username}/send?k={password}", "username": "a/b"},
         lambda r: r["line"].split()[1] == "/a%2Fb/send?k=" + quote(KEY, "~")))
    for options, is_right in cases:
        with HttpServer(reply("200 OK", '{"id":"1"}')) as server:
            if "url" in options:
                options["url"] = server.url + options["url"]
            with Courier(BINARY, http(server, password=KEY,
                                      **options)) as courier:
                check(courier.sms(), "accepted")
            request = server.requests[0]
            assert is_right(request), (options, request)
            # Once is enough: it does not go out as Basic besides.
            assert "App " in options.get("headers", "") or \
                "authorization" not in request["headers"], request


def test_a_key_in_a_template_is_no_secret_of_ours_to_lose():
    spellings = (
        KEY, quote(KEY, ""), quote_plus(KEY), json.dumps(KEY)[1:-1],
        json.dumps(KEY, ensure_ascii=False)[1:-1], html.escape(KEY),
        base64.b64encode(b"me:" + KEY.encode()).decode(),
        base64.urlsafe_b64encode(b"x" + KEY.encode()).decode())
    for spelt in spellings:
        with HttpServer(reply("403 No", "you sent " + spelt + " here")) as server:
            entry = http(server, password=KEY,
                         headers='{"X-Api-Key":"{password}"}')
            with Courier(BINARY, entry) as courier:
                outcome = courier.sms()
                check(outcome, "misconfigured", detail="***")
                for piece in ("k3y", "ssw", "pass", spelt[4:16]):
                    assert piece not in outcome.detail, (spelt, outcome)
    # Nor in what is wrong with the provider.
    for options in ({"url": "http://[::1/{password}"},
                    {"headers": '{"a":"{password} {nope}"}'},
                    {"fields": '{"a":"{password","b":1}'},
                    {"headers": '{"a":"{password}"}', "password": "x\x01" + KEY}):
        entry = http("http://127.0.0.1:1/", **dict({"password": KEY}, **options))
        with Courier(BINARY, entry) as courier:
            outcome = courier.sms()
            check(outcome, "misconfigured", "provider")
            while not courier.logs:
                courier.pump(5)
            assert not any("k3y" in text for text in
                           courier.logs + [outcome.detail]), courier.logs


def test_a_key_in_a_template_goes_only_where_others_may():
    for options, word in (
            ({"headers": '{"X-Api-Key":"{password}"}'}, "no password"),
            ({"url": "http://gateway.example/{password}", "password": KEY},
             "only sent over https"),
            ({"fields": '{"a":"{bearer_token}"}', "bearer_token": KEY},
             "{bearer_token}")):
        with Courier(BINARY, http(**dict({"server": "http://127.0.0.1:1/"},
                                         **options))) as courier:
            check(courier.sms(), "misconfigured", "provider", detail=word)


def test_metadata_addresses_are_never_asked():
    for host in ("169.254.169.254", "[::ffff:169.254.169.254]", "0xa9fea9fe",
                 "[fd00:ec2::254]", "169.254.170.2", "100.100.100.200",
                 "[64:ff9b::169.254.169.254]", "[2002:a9fe:a9fe::]"):
        for kind in ("smtp://%s:25", "http://%s/latest/"):
            entry = (smtp if kind[0] == "s" else http)(
                kind % host, allow_private="true", connect_timeout=5)
            with Courier(BINARY, entry) as courier:
                send = courier.mail if kind[0] == "s" else courier.sms
                check(send(), "misconfigured", "metadata address")


def test_an_address_is_meant_only_where_its_owner_is_trusted():
    with HttpServer(reply("200 OK", '{"id":"1"}')) as server:
        for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]",
                     "0x7f.1", "0177.0.0.1", "%31%32%37.0.0.1"):
            entry = http("http://%s:%d/" % (host, server.port))
            entry["private_literal"] = False
            with Courier(BINARY, entry) as courier:
                check(courier.sms(), "misconfigured", "private address")
        equal(server.connections, 0)
        entry = http(server)
        entry["private_literal"] = True
        with Courier(BINARY, entry) as courier:
            check(courier.sms(), "accepted")


def proc(process, file):
    with open("/proc/%d/%s" % (process.pid, file)) as text:
        return text.read()


def test_the_courier_is_confined_and_says_by_what():
    with HttpServer(reply("200 OK", '{"id":"1"}')) as server:
        with Courier(BINARY, http(server), flags=("--tell",)) as courier:
            check(courier.sms(), "accepted")
            assert courier.started, "it does not say"
            if courier.started.startswith("nothing"):
                return  # a sanitizer
            status = proc(courier.process, "status")
            for word, line in (("no no_new_privs", "NoNewPrivs:\t1"),
                               ("no seccomp", "Seccomp:\t2")):
                assert word in courier.started or line in status, status
            limits = proc(courier.process, "limits")
            assert re.search(r"core file size +0 +0 ", limits), limits
        with Courier(BINARY, http(server)) as courier:
            check(courier.sms(), "accepted")
            equal(courier.started, None)


def memory_of(process):
    """What the process may write to: heap, stacks, and what it mapped."""
    memory = []
    with open("/proc/%d/maps" % process.pid) as maps, \
            open("/proc/%d/mem" % process.pid, "rb") as file:
        for line in maps:
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(at, 16) for at in span.split("-"))
            try:
                file.seek(start)
                memory.append(file.read(end - start))
            except OSError:
                continue  # of the kernel, or gone
    return memory


def test_no_memory_holds_the_secrets_of_settings_that_were_changed():
    # What is freed loses its first bytes to the allocator: the end is looked for.
    password, token, key = ("canary-of-a-%s-%s" % (word, word[:2] * 20)
                            for word in ("password", "token", "key"))
    forms = [secret.encode()[-30:] for secret in (password, token, key)]
    forms += [base64.b64encode(b"x" * skip + password.encode())[-36:-4]
              for skip in range(3)]

    def found(courier):
        return [form for form in forms
                if any(form in part for part in memory_of(courier.process))]

    with HttpServer(reply("200 OK", '{"id":"1"}')) as server:
        def entries(user, bearer, keyed):
            return (provider("sms", "http", "MOBILE", url=server.url + "/x",
                             allow_private="true", **user),
                    provider("other", "http", "MOBILE", url=server.url + "/x",
                             allow_private="true", **bearer),
                    provider("keyed", "http", "MOBILE", url=server.url + "/x",
                             allow_private="true", **keyed),
                    provider("mail", "smtp", url="smtp://127.0.0.1:%d" % dead_port(),
                             sender="hello@example.com", **user))

        used = entries({"username": "me", "password": password}, {"bearer_token": token},
                       {"fields": '{"key": "{password}"}', "password": key})
        with Courier(BINARY, *used, flags=("--tell",)) as courier:
            check(courier.sms(), "accepted")
            check(courier.sms("other"), "accepted")
            check(courier.sms("keyed"), "accepted")
            courier.mail()
            if (courier.started or "nothing").startswith("nothing"):
                return  # a sanitizer keeps what is freed
            assert len(found(courier)) >= 4, found(courier)
            courier.configure(*entries({}, {}, {}))
            check(courier.sms(), "accepted")
            check(courier.sms("other"), "accepted")
            end = time.monotonic() + PATIENCE
            while found(courier) and time.monotonic() < end:
                time.sleep(0.01)
            equal(found(courier), [])


def test_no_memory_holds_the_messages_of_a_provider_that_is_gone():
    canary = "canary-of-a-link-" + "li" * 20

    def found(courier):
        return [1 for part in memory_of(courier.process)
                if canary.encode()[-30:] in part]

    with SmtpServer() as server:
        entry = smtp(server)
        with Courier(BINARY, entry, flags=("--tell",)) as courier:
            check(courier.mail(text=canary, html="<p>" + canary), "accepted")
            if (courier.started or "nothing").startswith("nothing"):
                return  # a sanitizer keeps what is freed
            courier.configure()
            end = time.monotonic() + SOON
            while found(courier) and time.monotonic() < end:
                time.sleep(0.01)
            equal(found(courier), [])


def open_files(pid):
    """What its descriptors lead to; it may close one while we look."""
    names = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(FileNotFoundError):
            names.append(os.readlink("/proc/%d/fd/%s" % (pid, fd)))
    return names


def test_descriptors_of_others_are_closed():
    with open(os.path.join(DIRECTORY.name, "other"), "w") as other:
        code = ("import subprocess,sys;p=subprocess.Popen([sys.argv[1],'bounce'],"
                "pass_fds=[int(sys.argv[2])],stdin=subprocess.PIPE);"
                "print(p.pid,flush=True);sys.stdin.read();p.stdin.close();p.wait()")
        with subprocess.Popen([sys.executable, "-c", code, BINARY,
                               str(other.fileno())],
                              pass_fds=[other.fileno()], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as parent:
            pid = int(parent.stdout.readline())
            end = time.monotonic() + PATIENCE
            while True:
                names = open_files(pid)
                if other.name not in names or time.monotonic() > end:
                    break
                time.sleep(0.01)
            assert other.name not in names, names
            parent.stdin.close()


def test_a_password_file_is_for_its_owner_only():
    path = os.path.join(DIRECTORY.name, "password")
    with open(path, "w") as file:
        file.write(SECRET + "\nnot this\n")
    with HttpServer(reply("201 Created", '{"sid":"S"}')) as server:
        def try_file():
            entry = twilio(server, password_file=path)
            del entry["options"]["password"]
            with Courier(BINARY, entry) as courier:
                outcome = courier.sms()
                # The log has a writer of its own and may come later.
                while outcome.name != "accepted" and not courier.logs:
                    courier.pump(5)
                return outcome, courier.logs
        os.chmod(path, 0o640)
        outcome, logs = try_file()
        check(outcome, "misconfigured", "provider", detail=path)
        assert any(path in line for line in logs), logs
        os.chmod(path, 0o600)
        check(try_file()[0], "accepted")
        os.unlink(path)
        check(try_file()[0], "misconfigured", detail="No such file")


def test_bad_options_are_told_by_name():
    for options, word in (({"timeout": "0"}, "timeout"),
                          ({"fields": "[]"}, "fields"),
                          ({"fields": '{"a":"{nope}"}'}, "{nope}"),
                          ({"headers": '{"a b":"c"}'}, "a b"),
                          ({"success": "fine"}, "success"),
                          ({"id_path": "a..b"}, "id_path"),
                          ({"colour": "red"}, "colour"),
                          ({"method": "GET"}, "GET"),
                          ({"username": "u"}, "password"),
                          ({"url": "ftp://x/"}, "url"),
                          ({"url": "http://u:p@x/"}, "user name")):
        with Courier(BINARY, http(**dict({"server": "http://127.0.0.1:1/"},
                                         **options))) as courier:
            check(courier.sms(), "misconfigured", "provider", detail=word)


# --- serving ---------------------------------------------------------------

def test_the_courier_ends_with_its_dispatcher():
    with HttpServer(lambda server, sock, count: server.hang()) as server:
        courier = Courier(BINARY, http(server, timeout=600))
        courier.submit("sms", to="+27701231234", text="x")
        while not courier.picked:
            courier.pump(5)
        courier.sock.close()
        start = time.monotonic()
        equal(courier.process.wait(HANGS), 0)
        assert time.monotonic() - start < SOON
        courier.process.stderr.close()


def test_the_courier_dies_with_its_parent():
    ours, theirs = socket.socketpair()
    script = ("import subprocess,sys,time\n"
              "p=subprocess.Popen([sys.argv[1],'serve','--fd',sys.argv[2]],"
              "pass_fds=[int(sys.argv[2])])\n"
              "print(p.pid,flush=True)\ntime.sleep(600)")
    parent = subprocess.Popen(
        [sys.executable, "-c", script, BINARY, str(theirs.fileno())],
        pass_fds=[theirs.fileno()], stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    ours.sendall(struct.pack("=I", 16) + b"C" + b'{"providers":[]}')
    job = job_payload({"id": 1, "provider": "x", "to": "y"})
    ours.sendall(struct.pack("=I", len(job)) + b"J" + job)
    assert ours.recv(4096), "it serves"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    theirs.close()
    ours.settimeout(HANGS)
    while ours.recv(4096):
        pass
    ours.close()


def broken(payload, *words):
    courier = Courier(BINARY)
    courier.sock.sendall(payload)
    try:
        while True:
            courier.pump(5)
    except (EOFError, ConnectionError):
        pass
    equal(courier.process.wait(HANGS), 2, "exit status")
    text = " ".join(courier.logs) + courier.process.stderr.read().decode()
    courier.process.stderr.close()
    courier.sock.close()
    assert all(word in text for word in words), text


def test_a_dispatcher_that_talks_nonsense_is_left():
    def frame(kind, payload):
        return struct.pack("=I", len(payload)) + kind + payload
    broken(struct.pack("=I", 1 << 30) + b"J", "too long")
    broken(frame(b"Z", b"{}"), "unknown type")
    job = job_payload({"id": 1, "provider": "x", "to": "y"})
    for payload in (b"", job[:-1], job + b"\0", job[:16] + b"\xff" + job[17:],
                    job.replace(b"y", b"\0"), b"{}" + job):
        broken(frame(b"J", payload), "JOB")
    broken(frame(b"J", job_payload({"id": 1, "to": "y"})), "provider")
    broken(frame(b"C", b"{"), "JSON")
    broken(frame(b"C", b"[]"), "JSON")
    broken(frame(b"C", b'{"providers":{}}'), "providers")


def test_frames_may_come_in_any_pieces():
    with Courier(BINARY, provider("sms", "capture", "MOBILE")) as courier:
        job = job_payload({"id": 5, "provider": "sms", "to": "+27701231234",
                           "text": "x", "message_key": "k"})
        data = struct.pack("=I", len(job)) + b"J" + job
        for i in range(len(data)):
            courier.sock.sendall(data[i:i + 1])
        check(courier.wait(5), "accepted")


def test_an_unknown_provider_is_a_matter_of_configuration():
    with Courier(BINARY) as courier:
        check(courier.sms("nobody"), "misconfigured", "provider",
              detail='"nobody"')
        courier.configure(provider("sms", "pigeon", "MOBILE"))
        check(courier.sms(), "misconfigured", "provider", detail="pigeon")


def test_configuration_is_replaced_and_waiting_messages_follow():
    gate = threading.Event()

    def wait_at_gate(server, sock, count):
        gate.wait(HANGS)
        sock.sendall(reply("200 OK", '{"id":"old"}'))

    with HttpServer(wait_at_gate) as old, \
            HttpServer(reply("200 OK", '{"id":"new"}')) as new:
        with Courier(BINARY, http(old, max_connections=1)) as courier:
            job = {"to": "+27701231234", "text": "x"}
            first = courier.submit("sms", **job)
            while first not in courier.picked:
                courier.pump(5)
            second = courier.submit("sms", **job)
            courier.configure(http(new))
            equal(courier.wait(second).message_id, "new")
            gate.set()
            equal(courier.wait(first).message_id, "old")
            courier.configure()
            check(courier.sms(), "misconfigured")


def test_what_a_former_configuration_has_under_way_keeps_its_connection():
    for channel, make in (("sms", http), ("mail", smtp)):
        hang = HangOnce(reply("200 OK", "{}") if channel == "sms" else
                        SmtpServer.DEFAULTS["DOT"])
        with (HttpServer(hang) if channel == "sms" else
              SmtpServer(DOT=hang)) as server:
            with Courier(BINARY, make(server, max_connections=1,
                                      timeout=2)) as courier:
                def submit():
                    to = "+27701231234" if channel == "sms" else "b@g.com"
                    return courier.submit(channel, to=to, subject="s",
                                          text="t")
                hung, left = submit(), submit()
                assert hang.begun.wait(HANGS)
                courier.configure(make(server, max_connections=1, timeout=3))
                after = submit()
                courier.wait(hung, left, after)
                check(courier.outcomes[hung], "uncertain")
                check(courier.outcomes[left], "accepted")
                check(courier.outcomes[after], "accepted")
                order = [i for what, i in courier.order if what == "outcome"]
                equal(order, [hung, left, after], "one at a time")
                equal(server.connections, 2)


def test_what_a_removed_provider_has_under_way_is_finished():
    hang = HangOnce(reply("200 OK", "{}"))
    with HttpServer(hang) as server:
        with Courier(BINARY, http(server, max_connections=1,
                                  timeout=2)) as courier:
            ids = [courier.submit("sms", to="+27701231234", text="t")
                   for _ in range(2)]
            assert hang.begun.wait(HANGS)
            courier.configure()
            check(courier.wait(ids[1]), "misconfigured", "provider")
            check(courier.wait(ids[0]), "uncertain")


def test_unchanged_providers_keep_their_connections():
    with HttpServer(reply("200 OK", "{}")) as server:
        entry = http(server, max_connections=1)
        with Courier(BINARY, entry) as courier:
            for _ in range(3):
                check(courier.sms(), "accepted")
                courier.configure(entry)
            equal(server.connections, 1)


def test_no_more_connections_than_allowed_and_all_of_them_used():
    busy, most, lock = [0], [0], threading.Lock()
    four = threading.Event()

    def count(server, sock, number):
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
            if busy[0] == 4:
                four.set()
        # The first wait for each other, the others for a fifth to come.
        four.wait(HANGS)
        time.sleep(0.02)
        with lock:
            busy[0] -= 1
        sock.sendall(reply("200 OK", "{}"))

    with HttpServer(count) as server:
        with Courier(BINARY, http(server, max_connections=4)) as courier:
            ids = [courier.submit("sms", to="+27701231234", text="x")
                   for _ in range(60)]
            courier.wait(*ids)
            equal(most[0], 4, "requests at once")
            equal(server.connections, 4)
            equal(len(server.requests), 60)


def test_a_dead_provider_delays_no_healthy_one():
    with HttpServer(lambda server, sock, count: server.hang()) as dead, \
            HttpServer(reply("200 OK", "{}")) as alive:
        slow = dict(http(dead, timeout=600), name="slow")
        with Courier(BINARY, slow, http(alive)) as courier:
            for _ in range(50):
                courier.submit("slow", to="+27701231234", text="x")
            start = time.monotonic()
            for _ in range(50):
                check(courier.sms(), "accepted")
            assert time.monotonic() - start < SOON


def test_a_relay_takes_mails_over_all_its_connections_at_once():
    busy, most, lock, all_there = [0], [0], threading.Lock(), threading.Event()

    def count(server, sock):
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
            if busy[0] == 4:
                all_there.set()
        all_there.wait(SOON)
        with lock:
            busy[0] -= 1
        return SmtpServer.DEFAULTS["DOT"]

    with SmtpServer(DOT=count) as server:
        with Courier(BINARY, smtp(server, max_connections=4)) as courier:
            ids = [courier.submit("mail", to="b@g.com", subject="s", text="t")
                   for _ in range(20)]
            courier.wait(*ids)
            equal(most[0], 4, "mails at once")
            equal(server.connections, 4)


@contextlib.contextmanager
def threads_left(courier, count):
    """So many more threads can be started: there is no room for their stacks."""
    pages = int(proc(courier.process, "statm").split()[0])
    used = pages * resource.getpagesize()
    before = resource.prlimit(courier.process.pid, resource.RLIMIT_AS,
                              (used + int((count + 0.5) * STACK),
                               resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(courier.process.pid, resource.RLIMIT_AS, before)


STACK = 256 << 20


@contextlib.contextmanager
def courier_with_large_stacks(*entries):
    before = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (STACK, before[1]))
    try:
        courier = Courier(BINARY, *entries)
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, before)
    with courier:
        # Answered before the first thread is started.
        check(courier.sms("nobody"), "misconfigured")
        yield courier


def test_no_message_loses_a_try_for_want_of_threads():
    with SmtpServer(DOT=answer_slowly) as server:
        with courier_with_large_stacks(
                smtp(server, max_connections=4)) as courier:
            check(courier.mail(), "accepted")
            with threads_left(courier, 0):
                ids = [courier.submit("mail", to="b@g.com", subject="s",
                                      text="t") for _ in range(20)]
                courier.wait(*ids)
            for i in ids:
                check(courier.outcomes[i], "accepted")
            equal(server.connections, 1)


def test_an_only_connection_waits_for_its_thread():
    with SmtpServer() as server:
        with courier_with_large_stacks(
                smtp(server, max_connections=1)) as courier:
            with threads_left(courier, 1):  # that of the provider
                ids = [courier.submit("mail", to="b@g.com", subject="s",
                                      text="t") for _ in range(3)]
                while ids[0] not in courier.picked:
                    courier.pump(SOON)
                while courier.picked.count(ids[0]) < 3:
                    assert ids[0] not in courier.outcomes, courier.outcomes
                    courier.pump(SOON)
            courier.wait(*ids)
            for i in ids:
                check(courier.outcomes[i], "accepted")


# Seconds for which a connection hangs that should hold up no other: more than a slow
# machine takes for a few messages.
HELD = 8


def test_a_connection_that_hangs_delays_no_other_of_its_provider():
    usual = SmtpServer.DEFAULTS
    hangs = {"HTTP": HangOnce(reply("200 OK", "{}"))}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(HttpServer(hangs["HTTP"]))
        entries = [dict(http(server, timeout=HELD), name="HTTP")]
        for verb in ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "DOT", "QUIT"):
            hangs[verb] = HangOnce(usual[verb])
            replies = {verb: hangs[verb]}
            if verb == "QUIT":  # which follows a refusal
                replies["RCPT"] = [b"550 5.1.1 no\r\n", usual["RCPT"]]
            server = stack.enter_context(SmtpServer(**replies))
            entries.append(dict(smtp(server, timeout=HELD,
                                     greeting_timeout=HELD,
                                     max_connections=2), name=verb))
        courier = stack.enter_context(Courier(BINARY, *entries))

        def submit(name):
            to = "+27701231234" if name == "HTTP" else "b@g.com"
            return courier.submit(name, to=to, subject="s", text="t")

        hung = [submit(name) for name in hangs]
        for name, hang in hangs.items():
            assert hang.begun.wait(HANGS), name
        while not all(i in courier.outcomes for i in hung):
            began = time.monotonic()
            ids = [submit(name) for name in hangs]
            courier.wait(*ids)
            # Behind one that hangs the first of them would wait for HELD.
            assert time.monotonic() - began < HELD - 2, courier.order[-20:]
            for i in ids:
                check(courier.outcomes[i], "accepted")
            courier.pump(0.1)


def test_a_dispatcher_that_reads_late_loses_nothing():
    with Courier(BINARY, provider("mail", "capture", "EMAIL")) as courier:
        ids = [courier.submit("mail", to="b@g.com", subject="s",
                              text="x" * 2000) for _ in range(3000)]
        courier.wait(*ids)
        equal(sorted(courier.picked), ids)


# --- the command line ------------------------------------------------------

def run(*arguments, **options):
    return subprocess.run([BINARY, *arguments], capture_output=True,
                          timeout=PATIENCE, **options)


def test_send_tells_what_became_of_a_message():
    with SmtpServer(RCPT=[b"250 Ok\r\n", b"550 5.1.1 no\r\n"]) as server:
        order = json.dumps({"provider": smtp(server), "job": dict(
            MAIL, id=1, provider="mail")}).encode()
        result = run("send", input=order)
        equal(result.returncode, 0, result)
        equal(json.loads(result.stdout)["outcome"], "accepted")
        result = run("send", input=order)
        equal(result.returncode, 1)
        answer = json.loads(result.stdout)
        equal((answer["outcome"], answer["code"]), ("rejected", "550 5.1.1"))


def test_compose_prints_the_bytes_that_would_leave():
    order = {"provider": smtp("smtp://relay.example:587"),
             "job": dict(MAIL, id=1)}
    result = run("compose", input=json.dumps(order).encode())
    equal(result.returncode, 0, result.stderr)
    check_mail(result.stdout)
    order = {"provider": provider("sms", "twilio", account_sid=SID,
                                  sender="+1555", password="x"),
             "job": {"id": 1, "to": "+27701231234", "text": "Grüße",
                     "message_key": "k"}}
    result = run("compose", input=json.dumps(order).encode())
    equal(result.stdout.decode(), "Grüße")


def test_what_is_wrong_with_a_job_is_told_in_words():
    sms = provider("sms", "twilio", account_sid=SID, sender="+1555", password="x")
    text = {"id": 1, "to": "+27701231234", "text": "x", "message_key": "k"}
    hello = dict(MAIL, id=1)
    cases = (
        (sms, dict(text, text=7), '"text" of a job must be a string'),
        (sms, dict(text, id="1"), '"id" of a job must be a whole number'),
        (sms, dict(text, id=-1), '"id" of a job must be a whole number'),
        (sms, dict(text, text=""), "the message has no text"),
        (sms, dict(text, message_key=""), "the message has no message_key"),
        (sms, dict(text, message_key="k" * 300), "message_key is longer than"),
        (smtp("smtp://relay.example:587"), dict(hello, reply_to="nobody"),
         "reply_to is not an e-mail address"),
        (smtp("smtp://relay.example:587"), dict(hello, text="", html=""),
         "the message has neither text nor html"))
    for entry, job, words in cases:
        result = run("compose", input=json.dumps({"provider": entry, "job": job}).encode())
        equal(result.returncode, 2, result)
        assert words in result.stderr.decode(), (words, result.stderr)
        assert b"Hint: " in result.stderr, result.stderr


def test_bad_usage_is_told_with_a_hint():
    for arguments, data in (((), b""), (("dance",), b""), (("serve",), b""),
                            (("serve", "--fd", "x"), b""),
                            (("serve", "--fd", "0"), b""),
                            (("send",), b"{"), (("send",), b"{}"),
                            (("compose",), b'{"provider":{},"job":{}}'),
                            (("send", "more"), b"")):
        result = run(*arguments, input=data)
        equal(result.returncode, 2, arguments)
        assert b"Hint: " in result.stderr, result.stderr
    for arguments in ("--help", "--version"):
        result = run(arguments)
        equal(result.returncode, 0)
        assert b"group_api_courier" in result.stdout


def main():
    run_tests(globals(), sys.argv[2] if len(sys.argv) > 2 else "")


if __name__ == "__main__":
    main()
