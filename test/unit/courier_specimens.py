"""What relays and providers are known to answer, and what each answer means.

    courier_specimens.py COURIER [WORD]

The answers are of test/specimens, each with its public source; `want` is
  pause    the account, the sender or the host: the provider is paused
  later    a quota of some hours or a day: asked again after ten minutes or more
  retry    for now
  retryalone  for now, and nobody else's message waits for it
  reject   this recipient or this message
  notdead  anything, but the contact is not put on the list of the dead
  any      nobody agrees what it means"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from courier_harness import (DEAD, Courier, HttpServer,  # noqa: E402
                             SmtpServer, provider, reply, run_tests)

BINARY = os.path.abspath(sys.argv[1])
SPECIMENS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                         "..", "specimens")
GROUPS = "Groups <groups@example.com>"
KINDS = {
    "twilio": {"account_sid": "AC" + "0" * 32, "sender": "+15005550006"},
    "plivo": {"auth_id": "MA1", "sender": "+15005550006"},
    "messagebird": {"sender": "Groups"},
    "vonage": {"sender": "Groups", "username": "u"},
    "postmark": {"sender": GROUPS},
    "mailgun": {"sender": GROUPS, "domain": "mg.example.com"},
    "resend": {"sender": GROUPS},
    "sendgrid": {"sender": GROUPS},
    "ses": {"sender": GROUPS, "region": "eu-west-1", "username": "u"},
    "sns": {"region": "eu-west-1", "username": "u"},
}
BY_MAIL = ("postmark", "mailgun", "resend", "sendgrid", "ses")


def specimens(name):
    with open(os.path.join(SPECIMENS, name), encoding="utf-8") as file:
        return json.load(file)


def is_right(want, outcome):
    late = outcome.name == "retry" and outcome.retry_after_ms >= 600000
    return {"pause": outcome.name == "misconfigured",
            "later": late or outcome.name == "misconfigured",
            "retry": outcome.name == "retry",
            "retryalone": outcome.name == "retry"
            and not outcome.fault,
            "reject": outcome.name == "rejected",
            "notdead": not outcome.flags & DEAD,
            "any": True}[want]


def judge_all(name, ask):
    wrong = []
    for specimen in specimens(name):
        outcome = ask(specimen)
        if not is_right(specimen["want"], outcome):
            wrong.append("%s: wanted %s, not %r" % (
                specimen["name"], specimen["want"], outcome))
    assert not wrong, "\n".join(wrong)


def ask_relay(specimen):
    stage = {"auth": "AUTH", "dot": "DOT"}.get(
        specimen["stage"], specimen["stage"].upper())
    lines = [line.encode() + b"\r\n" for line in specimen["reply"].split("\n")]
    replies = {stage: b"".join(lines)}
    options = {}
    if stage == "AUTH":
        replies["EHLO"] = b"250-peer\r\n250 AUTH PLAIN LOGIN\r\n"
        options = {"username": "u", "password": "p"}
    in_address = "in-address" in specimen["name"]
    with SmtpServer(**replies) as server, Courier(BINARY, provider(
            "mail", "smtp", "EMAIL", url=server.url, sender=GROUPS,
            **options)) as courier:
        return courier.mail(
            to="ann@relay.example.net" if in_address else "a@example.org")


def ask_provider(specimen):
    kind, body = specimen["kind"], specimen["body"]
    headers = {"ses-01-sandbox": "X-Amzn-ErrorType: MessageRejected\r\n",
               "ses-02-quota":
               "X-Amzn-ErrorType: TooManyRequestsException\r\n"}
    answer = reply("%d X" % specimen["status"],
                   body if isinstance(body, str) else json.dumps(body),
                   headers.get(specimen["name"], ""))
    with HttpServer(answer) as server, Courier(BINARY, provider(
            "p", kind, "EMAIL" if kind in BY_MAIL else "MOBILE",
            base_url=server.url, password="p", **KINDS[kind])) as courier:
        if kind in BY_MAIL:
            return courier.mail("p", to="a@example.org")
        return courier.sms("p", to="+2348020000000")


def test_a_reply_of_a_relay_blames_whom_it_should():
    judge_all("smtp-replies.json", ask_relay)


def test_an_answer_of_a_provider_blames_whom_it_should():
    judge_all("http-answers.json", ask_provider)


if __name__ == "__main__":
    run_tests(dict(globals()), sys.argv[2] if len(sys.argv) > 2 else "")
