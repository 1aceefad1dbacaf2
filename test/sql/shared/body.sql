-- A body of contract A without a fault; a change replaces its fields.
CREATE FUNCTION pg_temp.body(change jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb '{
		"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
		"name": "Fans", "description": "d", "message": "m",
		"image": "https://example.com/piano.jpg",
		"members": [{"nickName": "Ann",
			"contact": {"type": "EMAIL", "value": "ann@example.com"}}]
	}' || change
$$;
