#!/usr/bin/python3
"""Sessions of attackers: many at once, each as somebody else, by libpq itself.

    sessions.py LIBPQ

Reads lines of JSON and answers each with one line of JSON. A command names its
session, "s", and what to do, "do":

  open   "to": connection string          -> {"pid": of the backend} or {"error": text}
  run    "sql", ["params"], ["seconds"]   -> {"results": [...], "peak": KB, "late": bool}
  start  "sql"                            -> {}; does not wait for what comes of it
  finish ["seconds"]                      -> as run; of what was started
  call   "oid", "args": [[type, text]]    -> as run; by the fast-path interface (PQfn)
  close                                   -> {}

A result is {"rows": [[text or null]]} or {"state": SQLSTATE, "error": all that the
server says of it}; notices count as said, too ("said"). "late" tells that the
statement had to be canceled. "peak" is the most memory the backend has had so far.
"""
import ctypes
import json
import re
import select
import sys
import time

PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_FATAL_ERROR, PGRES_COPY_OUT = 1, 2, 7, 3
PGRES_COPY_IN = 4
DIAG_SQLSTATE = ord("C")
VERBOSE = 2
# Nobody waits longer for one statement of an attacker.
PATIENCE = 60


class ResultStatus:
    """What a result of libpq is, read once and freed."""

    def __init__(self, pq, result):
        self.status = pq.PQresultStatus(result)
        if self.status in (PGRES_COMMAND_OK, PGRES_TUPLES_OK):
            self.content = {"rows": [
                [None if pq.PQgetisnull(result, row, column) else
                 pq.PQgetvalue(result, row, column).decode("utf-8", "replace")
                 for column in range(pq.PQnfields(result))]
                for row in range(pq.PQntuples(result))]}
        else:
            state = pq.PQresultErrorField(result, DIAG_SQLSTATE)
            self.content = {
                "state": state.decode() if state else "gone",
                "error": pq.PQresultErrorMessage(result).decode("utf-8", "replace")}
        pq.PQclear(result)


def load(path):
    pq = ctypes.CDLL(path)
    for name in ("PQconnectdb", "PQgetResult", "PQfn", "PQgetCancel"):
        getattr(pq, name).restype = ctypes.c_void_p
    for name in ("PQgetvalue", "PQresultErrorMessage", "PQerrorMessage",
                 "PQresultErrorField"):
        getattr(pq, name).restype = ctypes.c_char_p
    for name in ("PQgetvalue", "PQgetisnull"):
        getattr(pq, name).argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    for name in ("PQresultStatus", "PQclear", "PQnfields", "PQntuples",
                 "PQresultErrorMessage", "PQgetResult", "PQisBusy", "PQsocket",
                 "PQconsumeInput", "PQfinish", "PQstatus", "PQbackendPID",
                 "PQerrorMessage", "PQgetCancel", "PQfreeCancel"):
        getattr(pq, name).argtypes = [ctypes.c_void_p]
    pq.PQresultErrorField.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return pq


NOTICE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


class PqArg(ctypes.Structure):
    """PQArgBlock; a pointer or an integer, told by isint."""
    _fields_ = [("len", ctypes.c_int), ("isint", ctypes.c_int), ("ptr", ctypes.c_char_p)]


class Session:
    def __init__(self, pq, to):
        self.pq = pq
        self.said = []
        self.connection = pq.PQconnectdb(to.encode())
        if pq.PQstatus(self.connection) != 0:
            error = pq.PQerrorMessage(self.connection).decode("utf-8", "replace")
            pq.PQfinish(self.connection)
            raise ConnectionError(error)
        self.notice = NOTICE(lambda _, text: self.said.append(text.decode("utf-8", "replace")))
        pq.PQsetNoticeProcessor(ctypes.c_void_p(self.connection), self.notice, None)
        pq.PQsetErrorVerbosity(ctypes.c_void_p(self.connection), VERBOSE)
        self.pid = pq.PQbackendPID(self.connection)

    def start(self, sql, params=None):
        connection = ctypes.c_void_p(self.connection)
        if params is None:
            self.pq.PQsendQuery(connection, sql.encode("utf-8", "surrogateescape"))
            return
        values = (ctypes.c_char_p * max(len(params), 1))(
            *[None if one is None else one.encode("utf-8", "surrogateescape") for one in params])
        self.pq.PQsendQueryParams(connection, sql.encode(), len(params), None, values,
                                  None, None, 0)

    def wait(self, seconds):
        """Whether a result is there."""
        end = time.monotonic() + seconds
        socket = self.pq.PQsocket(self.connection)
        while self.pq.PQisBusy(self.connection):
            left = end - time.monotonic()
            if left <= 0:
                return False
            select.select([socket], [], [], left)
            if not self.pq.PQconsumeInput(self.connection):
                return True
        return True

    def cancel(self):
        handle = self.pq.PQgetCancel(self.connection)
        buffer = ctypes.create_string_buffer(256)
        self.pq.PQcancel(ctypes.c_void_p(handle), buffer, 256)
        self.pq.PQfreeCancel(handle)

    def finish(self, seconds):
        results, late = [], False
        while True:
            if not self.wait(seconds):
                if late:
                    break
                late, seconds = True, 10
                self.cancel()
                continue
            result = self.pq.PQgetResult(self.connection)
            if not result:
                break
            found = ResultStatus(self.pq, result)
            results.append(found.content)
            if found.status in (PGRES_COPY_OUT, PGRES_COPY_IN):
                self.copy(found.status)
        if self.pq.PQstatus(self.connection) != 0 and not results:
            results.append({"state": "gone", "error": self.pq.PQerrorMessage(
                self.connection).decode("utf-8", "replace")})
        said, self.said = self.said, []
        return {"results": results, "late": late, "said": said, "peak": peak_of(self.pid)}

    def copy(self, status):
        """Takes what COPY sends; what it wants is refused."""
        connection = ctypes.c_void_p(self.connection)
        if status == PGRES_COPY_IN:
            self.pq.PQputCopyEnd(connection, b"no")
            return
        buffer = ctypes.c_char_p()
        while self.pq.PQgetCopyData(connection, ctypes.byref(buffer), 0) > 0:
            self.said.append(buffer.value.decode("utf-8", "replace"))

    def call(self, function, arguments):
        blocks = (PqArg * max(len(arguments), 1))()
        for block, (kind, text) in zip(blocks, arguments):
            value = None if text is None else binary(kind, text)
            block.len, block.isint, block.ptr = -1 if value is None else len(value), 0, value or b""
        room = ctypes.create_string_buffer(1 << 20)
        length = ctypes.c_int(0)
        found = ResultStatus(self.pq, self.pq.PQfn(
            ctypes.c_void_p(self.connection), function, room, ctypes.byref(length), 0,
            blocks, len(arguments)))
        if "rows" in found.content:
            found.content["rows"] = [[room.raw[:max(length.value, 0)].decode("utf-8", "replace")]]
        said, self.said = self.said, []
        return {"results": [found.content], "late": False, "said": said,
                "peak": peak_of(self.pid)}

    def close(self):
        self.pq.PQfinish(self.connection)


def binary(kind, text):
    if kind in ("int8", "int4"):
        return int(text).to_bytes(8 if kind == "int8" else 4, "big", signed=True)
    if kind == "uuid":
        return bytes.fromhex(text.replace("-", ""))
    return (b"\1" if kind == "jsonb" else b"") + text.encode()


def peak_of(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1))
    except (OSError, AttributeError):
        return 0


def answer(pq, sessions, command):
    what, name = command["do"], command["s"]
    if what == "open":
        try:
            sessions[name] = Session(pq, command["to"])
        except ConnectionError as error:
            return {"error": str(error)}
        return {"pid": sessions[name].pid}
    session = sessions[name]
    if what == "run":
        session.start(command["sql"], command.get("params"))
        return session.finish(command.get("seconds", PATIENCE))
    if what == "start":
        session.start(command["sql"])
        return {}
    if what == "finish":
        return session.finish(command.get("seconds", PATIENCE))
    if what == "call":
        return session.call(command["oid"], command["args"])
    sessions.pop(name).close()
    return {}


def main():
    pq = load(sys.argv[1])
    sessions = {}
    for line in sys.stdin:
        command = json.loads(line)
        try:
            told = answer(pq, sessions, command)
        except (OSError, ValueError, KeyError) as error:
            # The server is gone, or never was.
            told = {"results": [{"state": "gone", "error": repr(error)}], "said": [],
                    "late": False, "peak": 0}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
