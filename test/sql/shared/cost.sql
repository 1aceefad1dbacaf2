-- What a statement costs, in rows: times would depend on the machine.

-- How many rows a statement fetches from our tables and their indexes.
CREATE FUNCTION pg_temp.rows_read(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	read CONSTANT text := 'SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_all_tables WHERE schemaname = ''group_api_private''';
	before bigint;
	later bigint;
BEGIN
	EXECUTE read INTO before;
	EXECUTE statement;
	EXECUTE read INTO later;
	RETURN later - before;
END $$;
