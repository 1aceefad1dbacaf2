#!/usr/bin/python3
"""The story that script/demo tells; the server is running, PG* point to it.

    demo.py SAMPLE [--mail-port N --mail-log FILE --sms-port N --sms-log FILE]

With ports the messages go through a real SMTP server and Twilio's own API
description, else the capture provider keeps them.
"""
import argparse
import email
import email.policy
import json
import os
import re
import subprocess
import sys
import textwrap
import time
import urllib.parse

WIDTH = 78
ACCOUNT = "AC" + "0123456789abcdef" * 2
COLOR = os.environ.get("DEMO_COLOR") == "1"


def style(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if COLOR else text


def bold(text):
    return style("1", text)


def dim(text):
    return style("2", text)


def title(text):
    print()
    print(bold(text))


# --- the database -------------------------------------------------------------

class Refused(Exception):
    """What PostgreSQL said no with."""


def query(sql, **variables):
    """One answer as text; variables are bound by psql, as :'name'."""
    command = [os.environ["PSQL"], "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    for name, value in variables.items():
        command += ["-v", f"{name}={value}"]
    done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(done.stderr.strip())
    return done.stdout.strip()


def call(sql, **variables):
    """The JSON that a function of the API returned."""
    return json.loads(query(sql, **variables))


def configure(options):
    """The providers, the way an operator declares them."""
    query("CREATE EXTENSION group_api;")
    if options.mail_port:
        statements = f"""
            CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp OPTIONS (
                url 'smtp://127.0.0.1:{options.mail_port}',
                sender 'Groups <hello@example.com>');
            CREATE SERVER sms FOREIGN DATA WRAPPER group_api_twilio OPTIONS (
                account_sid '{ACCOUNT}',
                sender '+15005550006',
                base_url 'http://127.0.0.1:{options.sms_port}');
            CREATE USER MAPPING FOR PUBLIC SERVER sms OPTIONS (
                username '{ACCOUNT}',
                password 'no-real-account');"""
    else:
        statements = """
            CREATE SERVER mail FOREIGN DATA WRAPPER group_api_capture OPTIONS (
                channel 'EMAIL', sender 'Groups <hello@example.com>');
            CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (
                channel 'MOBILE', sender '+15005550006');"""
    title("The operator declares two providers")
    statements = textwrap.dedent(statements).strip()
    print(dim(textwrap.indent(statements, "  ")))
    query(statements)


# --- showing ------------------------------------------------------------------

def show_json(document):
    for line in json_lines(document, ""):
        indent = len(line) - len(line.lstrip()) + 4
        wrapped_lines = textwrap.wrap(line, WIDTH - 2, initial_indent="  ",
                                      subsequent_indent=" " * indent,
                                      drop_whitespace=False, break_on_hyphens=False)
        print("\n".join(part.rstrip() for part in wrapped_lines))


def json_lines(value, indent, before="", after=""):
    """JSON as a person would write it: on one line whatever fits there."""
    whole = indent + before + json.dumps(value, ensure_ascii=False) + after
    if len(whole) <= WIDTH - 4 or not isinstance(value, (dict, list)):
        return [whole]
    pairs = value.items() if isinstance(value, dict) else ((None, v) for v in value)
    lines = []
    for number, (key, child) in enumerate(pairs, 1):
        name = "" if key is None else json.dumps(key, ensure_ascii=False) + ": "
        lines += json_lines(child, indent + "  ", name,
                            "," if number < len(value) else "")
    marks = "{}" if isinstance(value, dict) else "[]"
    return [indent + before + marks[0]] + lines + [indent + marks[1] + after]


def wrapped(text, width):
    """Lines of at most this width; a link is cut only where it must be."""
    lines = []
    for paragraph in text.strip().splitlines():
        lines += textwrap.wrap(paragraph, width) or [""]
    return lines


def box(head, body):
    inner = WIDTH - 6
    print("  ┌" + "─" * (inner + 2) + "┐")
    for lines in (head, None, body):
        if lines is None:
            print("  ├" + "─" * (inner + 2) + "┤")
            continue
        for line in lines:
            print("  │ " + line + " " * (inner - display_width(line)) + " │")
    print("  └" + "─" * (inner + 2) + "┘")


def display_width(text):
    import unicodedata
    return sum(0 if unicodedata.combining(c) else
               2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def show_mail(raw):
    message = email.message_from_string(raw.replace("\r\n", "\n"),
                                        policy=email.policy.default)
    head = []
    for name in ("From", "To", "Subject", "Date"):
        if message[name]:
            head += textwrap.wrap(f"{name + ':':<9}{message[name]}", WIDTH - 6,
                                  subsequent_indent=" " * 9)
    text = message.get_body(("plain",)).get_content()
    box(head, wrapped(text, WIDTH - 6))
    extras = []
    if message.get_body(("html",)):
        extras.append("the same as HTML")
    if message["List-Unsubscribe-Post"]:
        extras.append("one-click unsubscribe")
    if extras:
        print(dim("    it also carries " + " and ".join(extras)))
    return text


def show_sms(sender, recipient, text):
    box([f"{'From:':<9}{sender}", f"{'To:':<9}{recipient}"], wrapped(text, WIDTH - 6))
    parts = int(query("SELECT group_api.sms_segments(:'text');", text=text))
    print(dim(f"    {len(text)} characters, {parts} part{'s' if parts > 1 else ''}"))


def link_in(text):
    found = re.search(r"https?://\S+", text)
    if found is None:
        sys.exit("the message has no link:\n" + text)
    return found.group(0).rstrip(".,)")


def token_of(link):
    """The last value of the query, or the last segment of the path."""
    parts = urllib.parse.urlsplit(link)
    values = urllib.parse.parse_qsl(parts.query)
    return values[-1][1] if values else parts.path.rsplit("/", 1)[-1]


# --- the messages -------------------------------------------------------------

def read_log(path, event):
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.endswith("\n")]
    return [line for line in lines if line["event"] == event]


def captured(channel):
    row = query("""SELECT json_build_object('recipient', recipient, 'message', message)
                     FROM group_api.captured WHERE channel::text = :'channel';""",
                channel=channel)
    if not row or "\n{" in row:
        sys.exit(f"expected one {channel} message in group_api.captured, got: {row}")
    return json.loads(row)


def only(lines, what):
    if len(lines) != 1:
        sys.exit(f"expected one {what}, got {len(lines)}: {lines}")
    return lines[0]


def show_captured():
    title("The e-mail that Barnaby reads")
    mail_text = show_mail(captured("EMAIL")["message"])
    title("The SMS that Stephen reads")
    sms = captured("MOBILE")
    show_sms("+15005550006", sms["recipient"], sms["message"])
    return mail_text


def show_received(options):
    mail = only(read_log(options.mail_log, "message"), "e-mail")
    title("The e-mail, as the SMTP server (aiosmtpd) received it")
    print(f"  envelope: {mail['sender']} -> {', '.join(mail['recipients'])}")
    mail_text = show_mail(mail["data"])

    request = only(read_log(options.sms_log, "request"), "request to Twilio")
    fields = dict(urllib.parse.parse_qsl(request["body"]))
    title("The SMS, as Prism received it behind Twilio's own OpenAPI")
    print("\n".join(textwrap.wrap(f"{request['method']} {request['path']}", WIDTH - 2,
                                  initial_indent="  ", subsequent_indent="    ",
                                  break_on_hyphens=False)))
    print(f"  {request['headers'].get('content-type', '')}, "
          f"{request['headers'].get('authorization', 'none').split()[0]} authorization")
    print(f"  fields: {', '.join(fields)}")
    show_sms(fields.get("From", ""), fields.get("To", ""), fields.get("Body", ""))
    verdict = "accepted it" if request["status"] == 201 else "refused it"
    print(f"    Prism checked it against the description and {verdict}: "
          f"{request['status']}")
    if request["status"] != 201:
        sys.exit(request["answer"])
    return mail_text


# --- the story ----------------------------------------------------------------

AS_CALLER = """SET request.jwt.claims = '{"sub": "organiser", "name": "The organiser"}';
"""


def create(sample):
    title("The app calls create_group with")
    show_json(json.loads(sample))
    started = time.monotonic()
    answer = call(AS_CALLER + "SELECT group_api.create_group(:'body'::jsonb);", body=sample)
    title("and is answered")
    show_json(answer)
    if query("SELECT group_api.wait_until_idle('2 min');") != "t":
        sys.exit("the invitations were not sent within two minutes: " +
                 query("SELECT json_agg(q) FROM group_api.queue q;"))
    spent = (time.monotonic() - started) * 1000
    print(dim(f"    called, committed and both invitations sent in {spent:.0f} ms"))
    return answer["group"]["id"]


def accept(link):
    title("Barnaby opens the link")
    print("\n".join(textwrap.wrap(link, WIDTH - 2, initial_indent="  ",
                                  subsequent_indent="  ", break_on_hyphens=False)))
    token = token_of(link)
    show_json(call("SELECT group_api.invitation(:'token');", token=token))
    title("and accepts")
    answer = call("SELECT group_api.accept_invitation(:'token');", token=token)
    show_json({name: answer["invitation"][name] for name in ("status", "respondedAt")})


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("sample")
    parser.add_argument("--mail-port", type=int)
    parser.add_argument("--mail-log")
    parser.add_argument("--sms-port", type=int)
    parser.add_argument("--sms-log")
    return parser.parse_args()


def main():
    options = parse_options()
    with open(options.sample, encoding="utf-8") as file:
        sample = file.read()
    configure(options)
    group = create(sample)
    text = show_received(options) if options.mail_port else show_captured()
    accept(link_in(text))
    title("The group now, amended")
    show_json(call(AS_CALLER + "SELECT group_api.get_group(:'id'::uuid);", id=group))


if __name__ == "__main__":
    try:
        main()
    except Refused as refusal:
        sys.exit(f"PostgreSQL refused: {refusal}")
