#!/usr/bin/python3
"""Runs statements with bound parameters, as a gateway's driver does.

    bound_calls.py LIBPQ CONNECTION

Reads lines of JSON, ["SQL", [parameter, ...]], and answers each with one line:
{"rows": [[value, ...]]} or {"error": "all that the server says of it"}. Values
are text or null. [OID, [argument, ...]] calls that function by PQfn, which knows
no expression; arguments are in hexadecimal, as the server's binary form of them
is, or null, and so is the one value of the answer. The session stays open until
standard input ends. By libpq itself, since psql binds parameters only from
version 16 on and knows no PQfn.
"""
import ctypes
import json
import sys

PGRES_TUPLES_OK = 2
PGRES_COMMAND_OK = 1
VERBOSE = 2
# Nothing tells PQfn how much its buffer takes; one is enough, and that is never copied.
BUFFER = ctypes.create_string_buffer(1 << 25)


class Argument(ctypes.Structure):
    """PQArgBlock, whose value is by reference here."""
    _fields_ = [("len", ctypes.c_int), ("isint", ctypes.c_int),
                ("ptr", ctypes.c_char_p)]


def load(path):
    pq = ctypes.CDLL(path)
    pq.PQconnectdb.restype = ctypes.c_void_p
    pq.PQexecParams.restype = ctypes.c_void_p
    pq.PQfn.restype = ctypes.c_void_p
    for name in ("PQgetvalue", "PQresultErrorMessage", "PQerrorMessage"):
        getattr(pq, name).restype = ctypes.c_char_p
    return pq


def value_at(pq, result, row, column):
    if pq.PQgetisnull(result, row, column):
        return None
    return pq.PQgetvalue(result, row, column).decode()


def run(pq, connection, sql, parameters):
    values = (ctypes.c_char_p * max(len(parameters), 1))(
        *[None if p is None else p.encode() for p in parameters])
    result = ctypes.c_void_p(pq.PQexecParams(
        connection, sql.encode(), len(parameters), None, values, None, None, 0))
    if pq.PQresultStatus(result) in (PGRES_TUPLES_OK, PGRES_COMMAND_OK):
        answer = {"rows": [[value_at(pq, result, row, column)
                            for column in range(pq.PQnfields(result))]
                           for row in range(pq.PQntuples(result))]}
    else:
        answer = {"error": pq.PQresultErrorMessage(result).decode()}
    pq.PQclear(result)
    return answer


def call(pq, connection, function, arguments):
    values = [None if a is None else bytes.fromhex(a) for a in arguments]
    blocks = (Argument * max(len(values), 1))(
        *[Argument(-1 if v is None else len(v), 0, v) for v in values])
    length = ctypes.c_int(-1)
    result = ctypes.c_void_p(pq.PQfn(
        connection, function, BUFFER, ctypes.byref(length), 0, blocks,
        len(values)))
    if pq.PQresultStatus(result) == PGRES_COMMAND_OK:
        answer = {"rows": [[None if length.value < 0
                            else ctypes.string_at(BUFFER, length.value).hex()]]}
    else:
        answer = {"error": pq.PQresultErrorMessage(result).decode()}
    pq.PQclear(result)
    return answer


def answer_to(pq, connection, what, parameters):
    if isinstance(what, int):
        return call(pq, connection, what, parameters)
    return run(pq, connection, what, parameters)


def main():
    pq = load(sys.argv[1])
    connection = ctypes.c_void_p(pq.PQconnectdb(sys.argv[2].encode()))
    if pq.PQstatus(connection) != 0:
        sys.exit(pq.PQerrorMessage(connection).decode())
    pq.PQsetErrorVerbosity(connection, VERBOSE)
    for line in sys.stdin:
        print(json.dumps(answer_to(pq, connection, *json.loads(line))),
              flush=True)


if __name__ == "__main__":
    main()
