-- What tests of functions that answer have in common.

-- The keys of an object in the order they were written.
CREATE FUNCTION pg_temp.keys(object json) RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg(key, ' ' ORDER BY place)
	FROM json_object_keys(object) WITH ORDINALITY AS list (key, place)
$$;

-- "P0002 there is no such group", or what it answered.
CREATE FUNCTION pg_temp.outcome(command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE command INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- The same as a user; pg_temp.call_as(), which makes the caller one, is each test's own.
CREATE FUNCTION pg_temp.said(who text, command text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.call_as(who);
	RETURN pg_temp.outcome(command);
END
$$;
