-- The answer of a call, or {"error": {"code": SQLSTATE, "message": ...}}.
CREATE FUNCTION pg_temp.answer_or_error(call text) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
	answer json;
BEGIN
	EXECUTE call INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN json_build_object('error', json_build_object('code', SQLSTATE, 'message', SQLERRM));
END
$$;
