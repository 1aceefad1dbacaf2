#!/usr/bin/python3
"""What the courier makes of the answers of each kind of provider, and what
each is told; prints TAP.  Whether the vendors agree is test/peers' business.

usage: courier_providers.py COURIER [WORD]   (only tests whose name has WORD)
"""

import base64
import hashlib
import hmac
import json
import logging
import os
import re
import sys
import urllib.parse

logging.disable()
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from courier_harness import (DEAD, FAULT, IS_DELIVERED, IS_FAILED,  # noqa: E402
                             PATIENCE, STOP, UNREACHED, UNSURE, Courier,
                             HttpServer, SmtpServer, check, equal, provider,
                             reply, run_tests)

BINARY = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else None
SECRET = "correct horse/battery&"
SID = "AC" + "0" * 32

SMS = {
    "twilio": {"account_sid": SID, "sender": "+15005550006"},
    "vonage": {"username": "key", "sender": "Groups"},
    "vonage_messages": {"username": "key", "sender": "Groups"},
    "messagebird": {"sender": "Groups"},
    "plivo": {"auth_id": "MA0", "sender": "+15005550006"},
    "sns": {"username": "AKIA0", "region": "eu-west-1"},
    "kannel": {"username": "tester", "sender": "13013"},
}
MAIL = {
    "sendgrid": {},
    "postmark": {},
    "mailgun": {"domain": "mg.example.com"},
    "ses": {"username": "AKIA0", "region": "eu-west-1"},
    "resend": {},
}
LETTER = {"to": "b@g.com", "to_name": "Bärnaby, G\r\nBcc: x@y.z",
          "subject": "Grüße", "text": "Hello\n", "html": "<p>Hello</p>",
          "reply_to": "Stephen <s@example.org>",
          "message_key": "inv-0198aa-77.2.1",
          "unsubscribe_url": "https://x.example/u/t"}


def entry(kind, server, **options):
    known = dict(SMS.get(kind) or MAIL[kind], password=SECRET, timeout=PATIENCE)
    if kind in MAIL:
        known["sender"] = "Groups <hello@example.com>"
    if kind == "kannel":
        known["url"] = server.url + "/cgi-bin/sendsms"
    else:
        known["base_url"] = server.url
    return provider("one", kind, None, **dict(known, **options))


def talk(kind, answer, options=None, **job):
    """One message to a provider that answers so: outcome, request."""
    with HttpServer(answer) as server:
        with Courier(BINARY, entry(kind, server, **(options or {}))) as courier:
            if kind in MAIL:
                outcome = courier.mail("one", **dict(LETTER, **job))
            else:
                outcome = courier.sms("one", **job)
        return outcome, server.requests[0] if server.requests else None


def ask(kind, answer, message_id="M1", **options):
    """What became of a message: outcome, requests."""
    with HttpServer(answer) as server:
        with Courier(BINARY, entry(kind, server, **options)) as courier:
            outcome = courier.send("one", poll=message_id)
        return outcome, server.requests


def form(text):
    return dict(urllib.parse.parse_qsl(text, strict_parsing=True))


def vonage(*parts):
    return reply("200 OK", json.dumps({
        "message-count": str(len(parts)), "messages": [
            dict({"status": status, "to": "27701231234"}, **(
                {"message-id": "V%d" % i} if status == "0"
                else {"error-text": "no: " + status}))
            for i, status in enumerate(parts)]}))


def xml(status, root, **leaves):
    return reply(status, '<%s xmlns="http://sns.amazonaws.com/doc/">\n%s</%s>'
                 % (root, "".join("<X><%s>%s</%s></X>" % (k, v, k)
                                  for k, v in leaves.items()), root))


# --- taken over --------------------------------------------------------------

ACCEPTED = [
    ("twilio", reply("201 Created", '{"sid":"SM1"}'), "SM1"),
    ("vonage", vonage("0"), "V0"),
    ("vonage", vonage("0", "0", "0"), "V0"),
    ("vonage_messages", reply("202 Accepted", '{"message_uuid":"u-1"}'),
     "u-1"),
    ("messagebird", reply("201 Created", '{"id":"mb1","recipients":{}}'),
     "mb1"),
    ("plivo", reply("202 Accepted", '{"message_uuid":["p-1"],'
                                    '"message":"message(s) queued"}'), "p-1"),
    ("sns", xml("200 OK", "PublishResponse", MessageId="s-1",
                RequestId="r"), "s-1"),
    ("kannel", reply("202 Accepted", "0: Accepted for delivery"), ""),
    ("kannel", reply("202 Accepted", "3: Queued for later delivery"), ""),
    ("sendgrid", reply("202 Accepted", "", "X-Message-Id: g-1\r\n"), "g-1"),
    ("postmark", reply("200 OK", '{"ErrorCode":0,"Message":"OK",'
                                 '"MessageID":"pm-1"}'), "pm-1"),
    ("mailgun", reply("200 OK", '{"id":"<20.1@mg.example.com>",'
                                '"message":"Queued. Thank you."}'),
     "20.1@mg.example.com"),
    ("ses", reply("200 OK", '{"MessageId":"01-0"}'), "01-0"),
    ("resend", reply("200 OK", '{"id":"re-1"}'), "re-1"),
]


def test_a_message_taken_over_has_the_providers_id():
    for kind, answer, wanted in ACCEPTED:
        outcome, _ = talk(kind, answer)
        check(outcome, "accepted")
        equal(outcome.message_id, wanted, kind)
        equal(outcome.flags, 0, kind)


def test_a_page_of_somebody_elses_is_no_acceptance():
    """A proxy or a wrong base_url answers 200 to anything."""
    for kind, answer, wanted in ACCEPTED:
        if not wanted or kind == "sendgrid":
            continue
        for text in ("<html>Welcome</html>", "", "{}", "[]"):
            outcome, _ = talk(kind, reply(answer.split(b"\r\n")[0]
                                          .split(b" ", 1)[1].decode(), text))
            check(outcome, "uncertain")
            equal(outcome.message_id, "", kind)


def test_every_kind_is_covered():
    equal({kind for kind, _, _ in ACCEPTED}, set(SMS) | set(MAIL))


# --- refused -----------------------------------------------------------------

def message_error(code, status="422 Unprocessable Entity"):
    return reply(status, json.dumps({
        "type": "https://developer.vonage.com/api-errors/messages#" + code,
        "title": "No", "detail": "because " + code, "instance": "1"}))


def bird(code, parameter=None, status="422 Unprocessable Entity"):
    return reply(status, json.dumps({"errors": [
        {"code": code, "description": "because", "parameter": parameter}]}))


def grid(status, field=None):
    return reply(status, json.dumps({"errors": [
        {"message": "because", "field": field, "help": None}]}))


def mark(code, status="422 Unprocessable Entity"):
    return reply(status, json.dumps({"ErrorCode": code, "Message": "because"}))


def ses(name, status="400 Bad Request"):
    return reply(status, '{"message":"because"}', "x-amzn-ErrorType: %s:"
                 "http://internal.amazon.com/coral/\r\n" % name)


def resend(name, status):
    return reply(status + " x", json.dumps({
        "statusCode": int(status), "name": name, "message": "because"}))


REFUSED = [
    # kind, answer, outcome, code, flags
    ("twilio", reply("400 No", '{"code":21610,"message":"stop"}'),
     "rejected", "21610", STOP),
    ("twilio", reply("400 No", '{"code":21211,"message":"what"}'),
     "rejected", "21211", DEAD),
    # what a short code cannot reach is not dead
    ("twilio", reply("400 No", '{"code":30006,"message":"carrier"}'),
     "rejected", "30006", 0),
    ("vonage", vonage("33"), "rejected", "33", DEAD),
    ("vonage", vonage("7"), "rejected", "7", 0),
    ("vonage", vonage("9"), "misconfigured", "9", 0),
    ("vonage", vonage("4"), "misconfigured", "4", 0),
    ("vonage", vonage("15"), "misconfigured", "15", UNSURE),
    ("vonage", vonage("29"), "misconfigured", "29", UNSURE),
    ("vonage", vonage("1"), "retry", "1", 1),
    ("vonage", vonage("1", "1"), "retry", "1", 1),
    ("vonage", vonage("77"), "rejected", "77", UNSURE),
    # a part is on its way
    ("vonage", vonage("0", "1"), "uncertain", "1", 1),
    ("vonage", vonage("0", "7", "0"), "uncertain", "7", 0),
    ("vonage", reply("200 OK", "<html>"), "uncertain", "http 200", 0),
    ("vonage", reply("401 No", "{}"), "misconfigured", "http 401", 0),
    ("vonage_messages", message_error("1120"), "misconfigured", "1120",
     UNSURE),
    ("vonage_messages", message_error("1160"), "misconfigured", "1160",
     UNSURE),
    ("vonage_messages", message_error("1050"), "rejected", "1050", 0),
    ("vonage_messages", message_error("1000", "429 Slow"), "retry", "1000", 1),
    ("vonage_messages", message_error("unauthorized", "401 Who"),
     "misconfigured", "unauthorized", 0),
    ("messagebird", bird(2, "access_key", "401 Who"), "misconfigured", "2", 0),
    ("messagebird", bird(9, "recipients"), "rejected", "9", UNSURE),
    ("messagebird", bird(10, "originator"), "misconfigured", "10", 0),
    ("messagebird", bird(25), "misconfigured", "25", 0),
    ("messagebird", reply("500 Oops"), "uncertain", "http 500", 1),
    ("plivo", reply("400 No", '{"api_id":"x","error":"dst is invalid"}'),
     "rejected", "http 400", UNSURE),
    ("plivo", reply("401 No", "could not verify"), "misconfigured",
     "http 401", 0),
    ("plivo", reply("429 Slow", '{"error":"rate"}'), "retry", "http 429", 1),
    ("sns", xml("400 No", "ErrorResponse", Type="Sender", Code="OptedOut",
                Message="because"), "rejected", "OptedOut", STOP),
    ("sns", xml("400 No", "ErrorResponse", Code="InvalidParameter",
                Message="PhoneNumber"), "rejected", "InvalidParameter",
     UNSURE),
    ("sns", xml("400 No", "ErrorResponse", Code="Throttling", Message="slow"),
     "retry", "Throttling", 1),
    ("sns", xml("403 No", "ErrorResponse", Code="SignatureDoesNotMatch",
                Message="no"), "misconfigured", "SignatureDoesNotMatch", 0),
    ("kannel", reply("403 Forbidden", "Authorization failed for sendsms"),
     "misconfigured", "http 403", 0),
    ("kannel", reply("400 Bad Request", "Empty text not allowed"), "rejected",
     "http 400", UNSURE),
    ("kannel", reply("503 Unavailable", "Temporal failure, try again later."),
     "retry", "http 503", 1),
    ("sendgrid", grid("400 No", "personalizations.0.to.0.email"), "rejected",
     "http 400", UNSURE),
    ("sendgrid", grid("400 No", "from.email"), "misconfigured", "http 400",
     0),
    ("sendgrid", grid("401 No"), "misconfigured", "http 401", 0),
    ("sendgrid", grid("413 Large"), "rejected", "http 413", UNSURE),
    ("sendgrid", grid("429 Slow"), "retry", "http 429", 1),
    ("postmark", mark(406), "rejected", "406", DEAD),
    ("postmark", mark(300), "rejected", "300", UNSURE),
    ("postmark", mark(10, "401 Who"), "misconfigured", "10", 0),
    ("postmark", mark(400), "misconfigured", "400", 0),
    ("postmark", mark(405), "misconfigured", "405", 0),
    ("postmark", mark(100, "503 Down"), "retry", "100", 1),
    ("postmark", mark(406, "200 OK"), "rejected", "406", DEAD),
    ("mailgun", reply("400 No", '{"message":"to parameter is no address"}'),
     "rejected", "http 400", UNSURE),
    ("mailgun", reply("401 No", "Forbidden"), "misconfigured", "http 401", 0),
    ("mailgun", reply("404 No", '{"message":"Domain not found"}'),
     "misconfigured", "http 404", 0),
    ("ses", ses("MessageRejected"), "misconfigured", "MessageRejected", 0),
    ("ses", ses("BadRequestException"), "rejected", "BadRequestException",
     UNSURE),
    ("ses", ses("TooManyRequestsException", "429 Slow"), "retry",
     "TooManyRequestsException", 1),
    ("ses", ses("AccountSuspendedException"), "misconfigured",
     "AccountSuspendedException", 0),
    ("resend", resend("validation_error", "422"), "rejected",
     "validation_error", UNSURE),
    ("resend", resend("validation_error", "403"), "misconfigured",
     "validation_error", 0),
    ("resend", resend("daily_quota_exceeded", "429"), "retry",
     "daily_quota_exceeded", 1),
    ("resend", resend("invalid_from_address", "422"), "misconfigured",
     "invalid_from_address", 0),
    ("resend", resend("concurrent_idempotent_requests", "409"), "retry",
     "concurrent_idempotent_requests", 0),
    ("resend", resend("invalid_idempotent_request", "409"), "uncertain",
     "invalid_idempotent_request", 0),
]


def test_a_refusal_has_its_class():
    for kind, answer, name, code, flags in REFUSED:
        outcome, _ = talk(kind, answer)
        check(outcome, name, code)
        equal(outcome.flags, flags, "flags of %s %r" % (kind, outcome))
        equal(outcome.message_id, "", kind)


def test_a_refusal_is_told_in_the_providers_words():
    for kind, answer, words in (
            ("vonage", vonage("0", "1"), "no: 1"),
            ("vonage_messages", message_error("1120"), "because 1120"),
            ("messagebird", bird(9), "because"),
            ("plivo", reply("400 No", '{"error":"dst is invalid"}'),
             "dst is invalid"),
            ("sns", xml("400 No", "E", Code="x", Message="a &lt;b&gt; &amp; c"),
             "a <b> & c"),
            ("kannel", reply("403 No", "Authorization failed for sendsms\n"),
             "Authorization failed for sendsms"),
            ("sendgrid", grid("400 No"), "because"),
            ("postmark", mark(300), "because"),
            ("mailgun", reply("400 No", '{"message":"because"}'), "because"),
            ("ses", ses("BadRequestException"), "because"),
            ("resend", resend("x", "422"), "because")):
        outcome, _ = talk(kind, answer)
        equal(outcome.detail, words, kind)


def test_a_wait_that_is_asked_for_is_told():
    outcome, _ = talk("resend", reply(
        "429 Slow", '{"name":"rate_limit_exceeded"}', "Retry-After: 7\r\n"))
    check(outcome, "retry", retry=7000)
    # but a table that knows of a longer one is not shortened
    outcome, _ = talk("resend", reply(
        "429 Slow", '{"name":"daily_quota_exceeded"}', "Retry-After: 7\r\n"))
    check(outcome, "retry", retry=3600000)


def test_an_unknown_mailbox_is_a_dead_contact_and_a_bare_550_is_not():
    for line, flags in ((b"550 5.1.1 no such user\r\n", DEAD),
                        (b"550 5.2.1 disabled\r\n", DEAD),
                        (b"556 5.1.10 null MX\r\n", DEAD),
                        (b"550 no such user\r\n", 0),
                        (b"550 5.7.1 no\r\n", UNSURE)):
        with SmtpServer(RCPT=line) as server:
            with Courier(BINARY, provider(
                    "mail", "smtp", "EMAIL", url=server.url,
                    sender="hello@example.com")) as courier:
                outcome = courier.mail()
                check(outcome, "rejected")
                equal(outcome.flags, flags, line)


# --- secrets -----------------------------------------------------------------

def test_no_kind_lets_its_secret_come_back():
    for kind in list(SMS) + list(MAIL):
        every = list(spellings(SECRET))
        for said in every if kind in ("twilio", "postmark") else every[:2]:
            for answer in (
                    reply("403 No", "not with %s, please" % said),
                    reply("400 No", json.dumps({
                        "message": said, "error": said, "detail": said,
                        "name": said, "type": "#" + said, "code": said,
                        "Message": said, "ErrorCode": said, "errors": [
                            {"code": said, "message": said,
                             "description": said}],
                        "messages": [{"status": said,
                                      "error-text": said}]}),
                          "X-Amzn-ErrorType: %s\r\n" % said),
                    xml("400 No", "E", Code=said, Message=said),
                    reply("202 Fine", json.dumps({
                        "sid": said, "id": said, "message_uuid": said,
                        "ErrorCode": 0, "MessageID": said,
                        "MessageId": said}), "X-Message-Id: %s\r\n" % said)):
                outcome, _ = talk(kind, answer)
                text = outcome.code + outcome.detail + outcome.message_id
                assert SECRET not in text, (kind, outcome)
                assert said not in text, (kind, outcome)


def spellings(secret):
    """As a gateway may quote what it was sent."""
    quoted = urllib.parse.quote(secret, safe="")
    yield from (secret, quoted, re.sub("%..", lambda m: m[0].lower(), quoted),
                urllib.parse.quote_plus(secret), secret.replace("/", "\\/"),
                secret.replace("&", "\\u0026"))
    for user in ("u:", "us:", "use:"):
        yield base64.b64encode((user + secret).encode()).decode()


def test_a_secret_is_hidden_where_a_quotation_ends_in_it():
    for said in (SECRET, urllib.parse.quote(SECRET, safe="")):
        for cut in range(5, len(said)):
            outcome, _ = talk("messagebird", reply(
                "403 No", "x" * (300 - cut) + said))
            equal(outcome.detail.lstrip("x")[:4] in ("***", "***%"), True,
                  outcome.detail)


def test_tokens_of_the_message_are_in_no_outcome():
    tokens = {"link": "AgIBlinklinklinklinklinkli", "receipt":
              "AgIBrecerecerecerecerecere", "unsubscribe":
              "AgIBunsuunsuunsuunsuunsuun"}
    said = " ".join("https://x.example/?t=" + t for t in tokens.values())
    for kind in ("twilio", "postmark"):
        outcome, _ = talk(kind, reply("403 No", said), **tokens)
        equal(outcome.detail, " ".join(["https://x.example/?t=***"] * 3))
    with SmtpServer(MAIL=b"550 5.7.1 " + said.encode() + b"\r\n") as server:
        with Courier(BINARY, provider(
                "mail", "smtp", "EMAIL", url=server.url,
                sender="hello@example.com")) as courier:
            outcome = courier.mail(**tokens)
            equal(outcome.detail, " ".join(["https://x.example/?t=***"] * 3))


def test_a_password_in_a_query_is_in_no_outcome_or_log():
    def no_answer(server, sock, count):
        raise EOFError
    for options in ({}, {"url": "http://127.0.0.1:1/cgi-bin/sendsms"},
                    {"url": "http://nobody.invalid/x"}):
        with HttpServer(no_answer) as server:
            with Courier(BINARY, entry("kannel", server, **options)) as courier:
                outcome = courier.sms("one")
                assert outcome.name != "accepted"
                said = repr(outcome) + " ".join(courier.logs)
        for secret in (SECRET, urllib.parse.quote(SECRET, safe=""), "tester"):
            assert secret not in said, said


def test_credentials_are_only_sent_over_https():
    for kind in list(SMS) + list(MAIL):
        with HttpServer(b"") as server:
            wanted = entry(kind, server)
            place = "url" if kind == "kannel" else "base_url"
            wanted["options"][place] = "http://gateway.example.com/x"
            with Courier(BINARY, wanted) as courier:
                send = courier.mail if kind in MAIL else courier.sms
                check(send("one"), "misconfigured", "provider",
                      detail="only sent over https")


def test_an_account_without_its_secret_is_told():
    for kind in list(SMS) + list(MAIL):
        with HttpServer(b"") as server:
            wanted = entry(kind, server)
            del wanted["options"]["password"]
            with Courier(BINARY, wanted) as courier:
                send = courier.mail if kind in MAIL else courier.sms
                check(send("one"), "misconfigured", "provider",
                      detail="the user mapping has no password")
    for kind in ("vonage", "vonage_messages", "sns", "ses"):
        with HttpServer(b"") as server:
            wanted = entry(kind, server)
            del wanted["options"]["username"]
            with Courier(BINARY, wanted) as courier:
                send = courier.mail if kind in MAIL else courier.sms
                check(send("one"), "misconfigured", "provider",
                      detail="the user mapping has no username")


# --- what they are told --------------------------------------------------------

def test_a_name_breaks_no_line_of_any_mail():
    for kind in MAIL:
        _, request = talk(kind, reply("200 OK", "{}"))
        text = urllib.parse.unquote(request["body"])
        assert "\\nBcc" not in text and "\nBcc" not in text, text
        if kind == "mailgun":
            equal(form(request["body"])["to"],
                  '"Bärnaby, G  Bcc: x@y.z" <b@g.com>')
        if kind in ("postmark", "resend"):
            to = json.loads(request["body"])
            to = to["To"] if kind == "postmark" else to["to"][0]
            equal(to, '"Bärnaby, G  Bcc: x@y.z" <b@g.com>')
        if kind == "sendgrid":
            to = json.loads(request["body"])["personalizations"][0]["to"][0]
            equal(to, {"email": "b@g.com", "name": '"Bärnaby, G  Bcc: x@y.z"'})


def test_a_name_is_quoted_for_sendgrid_only_where_it_would_be_read_as_a_list():
    for name, wanted in (("Anna Q. Public", "Anna Q. Public"),
                         ('Smith; "Jo"', '"Smith; \\"Jo\\""'),
                         ("Smith, John", '"Smith, John"')):
        _, request = talk("sendgrid", reply("202 Accepted", ""), to_name=name)
        to = json.loads(request["body"])["personalizations"][0]["to"][0]
        equal(to["name"], wanted)


def test_a_quoted_name_of_an_option_is_read_as_mail_programs_do():
    sender = '"Jim \\\\ \\"J\\" Doe, Sr" <jim@example.com>'
    for kind in ("postmark", "resend"):
        _, request = talk(kind, reply("200 OK", "{}"),
                          options={"sender": sender})
        fields = json.loads(request["body"])
        equal(fields["From" if kind == "postmark" else "from"], sender)
    _, request = talk("sendgrid", reply("202 Accepted", ""),
                      options={"sender": sender})
    equal(json.loads(request["body"])["from"]["name"], 'Jim \\ "J" Doe, Sr')


def test_a_mail_without_extras_mentions_none():
    for kind in MAIL:
        _, request = talk(kind, reply("200 OK", "{}"), to_name="", html="",
                          reply_to="", unsubscribe_url="")
        body = request["body"].lower()
        for word in ("unsubscribe", "reply", "html", "null", '""', "[]",
                     "{}"):
            assert word not in body, (kind, word, body)
        assert "b@g.com" in urllib.parse.unquote(body)


def test_the_servers_reply_to_serves_messages_that_name_none():
    for kind in MAIL:
        _, request = talk(kind, reply("200 OK", "{}"), reply_to="", options={
            "reply_to": "Desk <desk@example.com>"})
        assert "desk@example.com" in urllib.parse.unquote(request["body"])
        _, request = talk(kind, reply("200 OK", "{}"), options={
            "reply_to": "Desk <desk@example.com>"})
        assert "desk@example.com" not in urllib.parse.unquote(request["body"])


def signature_of(request, region, service):
    """AWS Signature Version 4, from the headers that claim to be signed."""
    method, path, _ = request["line"].split()
    names = request["headers"]["authorization"][0].split(
        "SignedHeaders=")[1].split(",")[0]
    digest = hashlib.sha256(request["body"].encode()).hexdigest()
    canonical = "\n".join([method, path, ""] + [
        "%s:%s" % (name, request["headers"][name][0])
        for name in names.split(";")] + ["", names, digest])
    moment = request["headers"]["x-amz-date"][0]
    scope = "/".join([moment[:8], region, service, "aws4_request"])
    key = ("AWS4" + SECRET).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return hmac.new(key, "\n".join([
        "AWS4-HMAC-SHA256", moment, scope,
        hashlib.sha256(canonical.encode()).hexdigest()]).encode(),
        "sha256").hexdigest()


def test_aws_gets_a_signature_of_the_very_body():
    for kind in ("sns", "ses"):
        with HttpServer(reply("200 OK", "")) as server:
            with Courier(BINARY, entry(kind, server,
                                       max_connections=1)) as courier:
                for text in ("é €", "second"):
                    (courier.mail if kind in MAIL else courier.sms)(
                        "one", text=text)
            equal(server.connections, 1)
            equal(len(server.requests), 2)
        for request in server.requests:
            digest = hashlib.sha256(request["body"].encode()).hexdigest()
            equal(request["headers"]["x-amz-content-sha256"], [digest])
            equal(len(request["headers"]["authorization"]), 1)
            claim = request["headers"]["authorization"][0]
            assert claim.startswith(
                "AWS4-HMAC-SHA256 Credential=AKIA0/"), claim
            equal(claim.rpartition("Signature=")[2],
                  signature_of(request, "eu-west-1", kind), claim)
            assert SECRET not in str(request)


def test_kannel_is_told_the_coding_and_the_way_of_its_reports():
    def query(**job):
        _, request = talk("kannel", reply("202 Accepted", "0: ok"), **job)
        method, path, _ = request["line"].split()
        equal(method, "GET")
        path, _, text = path.partition("?")
        equal(path, "/cgi-bin/sendsms")
        assert "authorization" not in request["headers"], request
        return form(text)

    fields = query(text="Grüße & €", expires_in_s=3600,
                   callback_url="https://cb.example/r%2Fs?inv=a%26b")
    equal(fields, {
        "username": "tester", "password": SECRET, "from": "13013",
        "to": "+27701231234", "text": "Grüße & €", "charset": "UTF-8",
        "coding": "0", "validity": "60", "dlr-mask": "31",
        "dlr-url": "https://cb.example/r%%2Fs?inv=a%%26b"
                   "&status=%d&id=%F&answer=%A"})
    fields = query(text="光", callback_url="https://cb.example/r")
    equal((fields["coding"], fields["dlr-url"]),
          ("2", "https://cb.example/r?status=%d&id=%F&answer=%A"))
    fields = query(text="x")
    assert "dlr-url" not in fields and "dlr-mask" not in fields, fields


def test_vonage_is_told_when_the_text_is_not_gsm():
    _, request = talk("vonage", vonage("0"), text="Hi", expires_in_s=5)
    assert "type" not in json.loads(request["body"]), request
    equal(json.loads(request["body"])["ttl"], 20000)
    _, request = talk("vonage", vonage("0"), text="光")
    equal(json.loads(request["body"])["type"], "unicode")


def test_sns_takes_a_name_or_a_number_as_sender():
    def attributes(**options):
        _, request = talk("sns", xml("200 OK", "R"), options)
        return [(k, v) for k, v in form(request["body"]).items()
                if "entry.2" in k]
    equal(attributes(), [])
    place = "MessageAttributes.entry.2."
    for given, options in (
            (("AWS.SNS.SMS.SenderID", "Groups"), {}),
            (("AWS.MM.SMS.OriginationNumber", "+15005550006"),
             {"sender_attribute": "AWS.MM.SMS.OriginationNumber"})):
        equal(attributes(sender=given[1], **options), [
            (place + "Name", given[0]), (place + "Value.DataType", "String"),
            (place + "Value.StringValue", given[1])])


def test_a_key_against_duplicates_goes_where_there_is_one():
    for kind in list(SMS) + list(MAIL):
        _, request = talk(kind, reply("200 OK", "{}"))
        equal("idempotency-key" in request["headers"], kind == "resend", kind)
        assert "expect" not in request["headers"], kind


def test_a_region_reads_only_as_one():
    for region in ("eu-west-1.evil.example/", "x@y", "eu west"):
        with HttpServer(b"") as server:
            with Courier(BINARY, entry("sns", server,
                                       region=region)) as courier:
                check(courier.sms("one"), "misconfigured", "provider",
                      detail="region must be")


# --- asking --------------------------------------------------------------------

def test_a_message_that_arrived_is_told_when_asked_after():
    outcome, requests = ask("twilio", reply(
        "200 OK", '{"sid":"SM1","status":"delivered","error_code":null}'),
        "SM1")
    check(outcome, "accepted", "delivered")
    equal(outcome.flags, IS_DELIVERED)
    equal(requests[0]["line"], "GET /2010-04-01/Accounts/%s/Messages/SM1.json "
          "HTTP/1.1" % SID)
    equal(requests[0]["body"], "")
    equal(requests[0]["headers"]["authorization"], [
        "Basic " + base64.b64encode((SID + ":" + SECRET).encode()).decode()])


def test_a_message_that_failed_says_why():
    for code, flags, words in ((30005, DEAD, "no longer in service"),
                               (21610, STOP, "STOP"), (30003, 0, "reached"),
                               (99999, 0, "their own words")):
        outcome, _ = ask("twilio", reply("200 OK", json.dumps(
            {"status": "undelivered", "error_code": code,
             "error_message": "their own words"})))
        check(outcome, "accepted", str(code), detail=words)
        equal(outcome.flags, IS_FAILED | flags)


def test_a_message_under_way_is_neither():
    for word in ("queued", "sent", "something new"):
        outcome, _ = ask("twilio", reply("200 OK", json.dumps(
            {"status": word, "error_code": 30005})))
        check(outcome, "accepted", word)
        equal(outcome.flags, 0)


def test_a_question_that_fails_is_asked_again():
    for answer, name in ((reply("500 Oops"), "retry"),
                         (reply("504 Late"), "retry"),
                         (reply("429 Slow"), "retry"),
                         (reply("200 OK", "not JSON"), "retry"),
                         (reply("200 OK", "{}"), "retry"),
                         (reply("302 There"), "misconfigured"),
                         (reply("401 Who"), "misconfigured"),
                         (reply("404 What"), "rejected"),
                         (lambda server, sock, count: server.reset(sock),
                          "retry"),
                         (lambda server, sock, count: server.hang(),
                          "retry")):
        outcome, _ = ask("twilio", answer, timeout=3)
        check(outcome, name)
        equal(outcome.flags & ~(FAULT | UNREACHED), 0)
    outcome, _ = ask("twilio", reply("429 Slow", "", "Retry-After: 9\r\n"))
    check(outcome, "retry", retry=9000)


def test_each_kind_is_asked_in_its_own_way():
    for kind, answer, path in (
            ("messagebird", {"id": "M1", "recipients": {"items": [
                {"status": "delivered", "statusErrorCode": None}]}},
             "/messages/M1"),
            ("plivo", {"message_uuid": "M1", "message_state": "delivered",
                       "error_code": "000"}, "/v1/Account/MA0/Message/M1/")):
        outcome, requests = ask(kind, reply("200 OK", json.dumps(answer)))
        check(outcome, "accepted", "delivered")
        equal(requests[0]["line"], "GET %s HTTP/1.1" % path)
        assert requests[0]["headers"]["authorization"], kind


def test_an_id_stays_in_its_place_of_the_url():
    _, requests = ask("twilio", reply("200 OK", '{"status":"sent"}'),
                      "../x?y#z")
    equal(requests[0]["line"], "GET /2010-04-01/Accounts/%s/Messages/"
          "..%%2Fx%%3Fy%%23z.json HTTP/1.1" % SID)
    outcome, requests = ask("twilio", b"", "a b\r\nX: y")
    check(outcome, "rejected", "message", detail="poll")
    equal(requests, [])


def test_kinds_that_cannot_be_asked_say_so():
    for kind in set(SMS) | set(MAIL):
        if kind in ("twilio", "messagebird", "plivo"):
            continue
        outcome, requests = ask(kind, b"")
        check(outcome, "rejected", "poll", detail="cannot be asked")
        equal(requests, [])
    for other in (provider("one", "capture", "MOBILE"),
                  provider("one", "http", "MOBILE",
                           url="http://127.0.0.1:1/"),
                  provider("one", "smtp", "EMAIL", url="smtp://127.0.0.1:1",
                           sender="a@b.example")):
        with Courier(BINARY, other) as courier:
            check(courier.send("one", poll="M1"), "rejected", "poll",
                  detail="cannot be asked")


def test_asking_and_sending_share_a_connection():
    def answer(server, sock, count):
        sock.sendall(reply("200 OK", '{"sid":"S%d","status":"sent"}' % count))
    with HttpServer(answer) as server:
        with Courier(BINARY, entry("twilio", server,
                                   max_connections=1)) as courier:
            for _ in range(2):
                equal(courier.sms("one").message_id[0], "S")
                check(courier.send("one", poll="SM1"), "accepted", "sent")
                check(courier.send("one", poll="SM2"), "accepted", "sent")
        equal(server.connections, 1)
        equal([r["line"].split()[0] for r in server.requests],
              ["POST", "GET", "GET"] * 2)
        equal([bool(r["body"]) for r in server.requests],
              [True, False, False] * 2)
        assert "SM2.json" in server.requests[2]["line"]
        equal(server.requests[3]["line"], server.requests[0]["line"])


def main():
    run_tests(globals(), sys.argv[2] if len(sys.argv) > 2 else "")


if __name__ == "__main__":
    main()
