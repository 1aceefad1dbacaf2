#!/usr/bin/python3
"""Runs statements with bound parameters, as a gateway's driver does.

    bound_calls.py LIBPQ CONNECTION

Reads lines of JSON, ["SQL", [parameter, ...]], and answers each with one line:
{"rows": [[value, ...]]} or {"error": "all that the server says of it"}. Values
are text or null. The session stays open until standard input ends. By libpq
itself, since psql binds parameters only from version 16 on.
"""
import ctypes
import json
import sys

PGRES_TUPLES_OK = 2
PGRES_COMMAND_OK = 1
VERBOSE = 2


def load(path):
    pq = ctypes.CDLL(path)
    pq.PQconnectdb.restype = ctypes.c_void_p
    pq.PQexecParams.restype = ctypes.c_void_p
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


def main():
    pq = load(sys.argv[1])
    connection = ctypes.c_void_p(pq.PQconnectdb(sys.argv[2].encode()))
    if pq.PQstatus(connection) != 0:
        sys.exit(pq.PQerrorMessage(connection).decode())
    pq.PQsetErrorVerbosity(connection, VERBOSE)
    for line in sys.stdin:
        print(json.dumps(run(pq, connection, *json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
