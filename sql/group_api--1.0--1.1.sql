-- From 1.0 to 1.1: every change of sql/group_api.sql since then, in the order in which
-- an existing database can take it.  test/t/063_upgrade.pl compares the two.

\echo Use "ALTER EXTENSION group_api UPDATE" to load this file. \quit

SELECT group_api_private.check_library();
