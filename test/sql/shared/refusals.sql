-- What a call is refused with.

CREATE TYPE pg_temp.refusal AS (state text, message text, detail jsonb, hint text);

CREATE FUNCTION pg_temp.refusal_of(command text) RETURNS pg_temp.refusal
LANGUAGE plpgsql AS $$
DECLARE
	said pg_temp.refusal;
	detail text;
BEGIN
	EXECUTE command;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS said.state = RETURNED_SQLSTATE,
		said.message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		said.hint = PG_EXCEPTION_HINT;
	said.detail = detail::jsonb;
	RETURN said;
END
$$;

-- "name required, image invalid_url", in the order they were told.
CREATE FUNCTION pg_temp.faults_of(said pg_temp.refusal) RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg((fault ->> 'path') || ' ' || (fault ->> 'code'), ', ' ORDER BY place)
	FROM jsonb_array_elements(said.detail) WITH ORDINALITY AS list (fault, place)
$$;
