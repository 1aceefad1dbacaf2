-- What PostgREST shows of a function: the first line of its comment as the
-- summary, the rest as the description.
BEGIN;
SELECT no_plan();

CREATE ROLE ga_test_caller;
SELECT group_api.grant_access('ga_test_caller', 'caller');

SELECT matches(split_part(coalesce(obj_description(p.oid, 'pg_proc'), ''), E'\n', 1), '^[A-Z].{10,98}\.$',
	p.oid::regprocedure || ' begins with a sentence on a line of its own')
FROM pg_proc p
WHERE p.pronamespace::regnamespace::text IN ('group_api', 'group_api_v2')
	AND has_function_privilege('ga_test_caller', p.oid, 'EXECUTE')
ORDER BY p.oid::regprocedure::text;

SELECT * FROM finish();
ROLLBACK;
