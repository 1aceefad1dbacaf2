-- The token of an invitation's first link, made as base/link_token.h tells.
CREATE FUNCTION pg_temp.token_of(of uuid, member integer) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	key bytea := (SELECT secret || decode(repeat('00', 32), 'hex') FROM group_api_private.link_secret);
	inner_pad bytea := '';
	outer_pad bytea := '';
	body bytea := '';
	part bigint;
BEGIN
	FOREACH part IN ARRAY ARRAY[(SELECT number FROM group_api_private.groups WHERE id = of), member, 1] LOOP
		WHILE part > 127 LOOP
			body := body || set_byte('\x00', 0, (part & 127 | 128)::int);
			part := part >> 7;
		END LOOP;
		body := body || set_byte('\x00', 0, part::int);
	END LOOP;
	FOR i IN 0 .. 63 LOOP
		inner_pad := inner_pad || set_byte('\x00', 0, get_byte(key, i) # 54);
		outer_pad := outer_pad || set_byte('\x00', 0, get_byte(key, i) # 92);
	END LOOP;
	RETURN rtrim(translate(encode(body || substr(sha256(outer_pad || sha256(inner_pad || body)), 1, 16),
		'base64'), '+/', '-_'), '=');
END
$$;
