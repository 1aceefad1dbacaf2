-- A call as PostgREST makes it: "404 3001 there is ...", the status, error.code and
-- error.message, or where that is empty the status of the invitation.
CREATE FUNCTION pg_temp.over_http(command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer json;
BEGIN
	PERFORM set_config('request.method', 'POST', true), set_config('response.status', '', true),
		set_config('response.headers', '', true);
	EXECUTE command INTO answer;
	PERFORM set_config('request.method', '', true);
	RETURN format('%s %s %s', current_setting('response.status'), answer #>> '{error,code}',
		coalesce(nullif(answer #>> '{error,message}', ''), answer #>> '{invitation,status}'));
END
$$;
