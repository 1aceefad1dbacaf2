-- From 1.0 to 1.1: every change of sql/group_api.sql since then, in the order in which
-- an existing database can take it.  test/t/063_upgrade.pl compares the two.

\echo Use "ALTER EXTENSION group_api UPDATE" to load this file. \quit

SELECT group_api_private.check_library();

ALTER TABLE group_api_private.event_deliveries ADD COLUMN tried_since timestamptz;
COMMENT ON COLUMN group_api_private.event_deliveries.tried_since IS 'when it was tried first since it happened, was replayed, or its webhook was resumed; null: not yet';

CREATE FUNCTION group_api_private.copied_over() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'group_api_copied_over_trigger';
COMMENT ON FUNCTION group_api_private.copied_over() IS 'internal: disowns the data where those of another database are copied over them';
REVOKE ALL ON FUNCTION group_api_private.copied_over() FROM PUBLIC;

CREATE TRIGGER installation_copied_over BEFORE INSERT ON group_api_private.installation
    FOR EACH ROW EXECUTE FUNCTION group_api_private.copied_over();
-- What a subscription applies fires no other.
ALTER TABLE group_api_private.installation ENABLE ALWAYS TRIGGER installation_copied_over;
