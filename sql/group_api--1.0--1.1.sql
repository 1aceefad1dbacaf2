-- From 1.0 to 1.1: every change of sql/group_api.sql since then, in the order in which
-- an existing database can take it.  test/t/063_upgrade.pl compares the two.

\echo Use "ALTER EXTENSION group_api UPDATE" to load this file. \quit

SELECT group_api_private.check_library();

ALTER TABLE group_api_private.event_deliveries ADD COLUMN tried_since timestamptz;
COMMENT ON COLUMN group_api_private.event_deliveries.tried_since IS 'when it was tried first since it happened, was replayed, or its webhook was resumed; null: not yet';
