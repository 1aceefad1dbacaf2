-- Providers: what CREATE SERVER and CREATE USER MAPPING accept, what the views
-- show, and what operators can do.  Nothing is committed, so nothing is sent.
BEGIN;
SELECT no_plan();

-- Anybody may drop servers, be it some that are not there, and stay in the transaction.
CREATE ROLE ga_test_stranger;
DROP SERVER IF EXISTS ga_nothing;
DROP OWNED BY ga_test_stranger;
SELECT is_empty($$SELECT c.relname, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
	WHERE l.pid = pg_backend_pid() AND l.mode <> 'AccessShareLock' AND c.relnamespace = 'group_api_private'::regnamespace$$,
	'who drops none of ours locks nothing of ours');
DROP ROLE ga_test_stranger;

CREATE TYPE pg_temp.refusal AS (state text, message text, detail text, hint text);
CREATE FUNCTION pg_temp.refuse(command text) RETURNS pg_temp.refusal
LANGUAGE plpgsql AS $$
DECLARE
	said pg_temp.refusal;
BEGIN
	EXECUTE command;
	-- Undone, so that the same name can be tried again.
	RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS said.state = RETURNED_SQLSTATE,
		said.message = MESSAGE_TEXT, said.detail = PG_EXCEPTION_DETAIL,
		said.hint = PG_EXCEPTION_HINT;
	RETURN said;
END
$$;

-- The options a kind needs, and these.
CREATE FUNCTION pg_temp.server(kind text, options text DEFAULT '') RETURNS text
LANGUAGE sql AS $$
	SELECT format('CREATE SERVER ga_test FOREIGN DATA WRAPPER group_api_%s OPTIONS (%s)', kind,
		array_to_string(nullif(options, '') || ARRAY(
		SELECT format('%s %L', name, value) FROM (VALUES
			('smtp', 'url', 'smtp://relay.example:587'), ('smtp', 'sender', 'Groups <hello@example.com>'),
			('twilio', 'account_sid', 'AC' || repeat('0', 32)), ('twilio', 'sender', '+15005550006'),
			('vonage', 'sender', 'Groups'), ('vonage_messages', 'sender', 'Groups'),
			('messagebird', 'sender', 'Groups'), ('plivo', 'sender', '+15005550006'),
			('plivo', 'auth_id', 'MA0'), ('sns', 'region', 'eu-west-1'),
			('kannel', 'url', 'http://127.0.0.1:13013/cgi-bin/sendsms'),
			('sendgrid', 'sender', 'hello@example.com'), ('postmark', 'sender', 'hello@example.com'),
			('mailgun', 'sender', 'hello@example.com'), ('mailgun', 'domain', 'mg.example.com'),
			('ses', 'sender', 'hello@example.com'), ('ses', 'region', 'eu-west-1'),
			('resend', 'sender', 'hello@example.com'),
			('http', 'url', 'https://gateway.example/send'), ('http', 'channel', 'MOBILE'),
			('capture', 'channel', 'EMAIL')) AS needed (of, name, value)
		WHERE of = kind AND options !~ ('\m' || name || ' ')), ', '))
$$;
CREATE FUNCTION pg_temp.try_server(kind text, options text DEFAULT '') RETURNS text
LANGUAGE sql AS $$
	SELECT CASE WHEN message = 'accepted' THEN message ELSE state || ' ' || message END
	FROM pg_temp.refuse(pg_temp.server(kind, options))
$$;

-- ---- The kinds ----

CREATE TEMP TABLE kinds AS SELECT unnest('{smtp,twilio,vonage,vonage_messages,messagebird,plivo,
	sns,kannel,sendgrid,postmark,mailgun,ses,resend,http,capture}'::text[]) AS kind;
SELECT bag_eq($$SELECT 'group_api_' || kind FROM kinds UNION ALL SELECT 'group_api_webhook'$$,
	$$SELECT fdwname::text FROM pg_foreign_data_wrapper WHERE fdwname LIKE 'group\_api\_%'$$,
	'these are the kinds of providers');
SELECT is(pg_temp.try_server(kind), 'accepted', kind || ' needs no more than the required options')
FROM kinds;

-- ---- Names of options ----

SELECT is(said.state || ' ' || said.message,
	format('HV00D invalid option "sendr" for a provider of kind %s', kind),
	kind || ' names an option it does not know')
FROM kinds, pg_temp.refuse(pg_temp.server(kind, 'sendr ''x''')) AS said;
SELECT matches(said.hint, '^Did you mean "sender"\? Valid options here are: .*\msender\M.*\.$',
	kind || ' lists those it knows')
FROM kinds, pg_temp.refuse(pg_temp.server(kind, 'sendr ''x''')) AS said;
SELECT unalike(said.hint, '%password%', kind || ' lists no option of another place')
FROM kinds, pg_temp.refuse(pg_temp.server(kind, 'sendr ''x''')) AS said;
SELECT is(said.detail, 'It belongs to the user mapping (CREATE USER MAPPING).',
	format('%s of %s is told where it belongs', option, kind))
FROM kinds, unnest('{username,password,password_file}'::text[]) AS option,
	pg_temp.refuse(pg_temp.server(kind, option || ' ''hunter2''')) AS said
WHERE kind <> 'capture'
	AND (option <> 'username' OR kind NOT IN ('messagebird', 'sendgrid', 'postmark', 'mailgun', 'resend'));
SELECT is(substring(said.hint FROM '^(.*)\? Valid options'), 'Did you mean ' || meant, format('%s of %s is understood', option, kind))
FROM (VALUES ('smtp', 'host', '"url"'), ('smtp', 'user', '"username" of the user mapping (CREATE USER MAPPING)'),
	('smtp', 'HOST', '"url"'), ('smtp', 'urll', '"url"'), ('smtp', 'maxconnections', '"max_connections"'),
	('twilio', 'url', '"base_url"'), ('twilio', 'api_key', '"password" of the user mapping (CREATE USER MAPPING)'),
	('http', 'token', '"bearer_token" of the user mapping (CREATE USER MAPPING)'), ('ses', 'from', '"sender"'),
	('capture', 'host', NULL), ('smtp', 'qwertyuiop', NULL), ('smtp', repeat('u', 65), NULL)) AS typed (kind, option, meant),
	pg_temp.refuse(pg_temp.server(kind, format('%I ''x''', option))) AS said;
SELECT is(said.message, format('invalid option "username" for a provider of kind %s', kind),
	kind || ' knows its account by the key alone')
FROM unnest('{messagebird,sendgrid,postmark,mailgun,resend}'::text[]) AS kind,
	pg_temp.refuse(pg_temp.server(kind, 'username ''x''')) AS said;
SELECT is(pg_temp.try_server('capture', 'password ''hunter2'''),
	'HV00D invalid option "password" for a provider of kind capture',
	'a capture provider has no password');
SELECT is(pg_temp.try_server('smtp', 'account_sid ''x'''),
	'HV00D invalid option "account_sid" for a provider of kind smtp',
	'a kind does not take the options of another');
SELECT is(pg_temp.try_server('vonage', 'poll ''true'''),
	'HV00D invalid option "poll" for a provider of kind vonage', 'nor poll where nothing can be asked');
SELECT is(pg_temp.try_server('smtp', '"Sender" ''x@example.com'''),
	'HV00D invalid option "Sender" for a provider of kind smtp', 'capital letters count');

SELECT is(said.state || ' ' || said.message,
	format('HV00J option "%s" is required for a provider of kind %s', option, kind),
	format('%s needs %s', kind, option))
FROM (VALUES ('smtp', 'url', 'sender ''a@example.com'''), ('smtp', 'sender', 'url ''smtp://a'''),
	('twilio', 'account_sid', 'sender ''x'''), ('http', 'url', 'channel ''EMAIL'''),
	('http', 'channel', 'url ''http://a'''), ('capture', 'channel', 'priority ''1'''),
	('vonage', 'sender', 'rate ''1'''), ('plivo', 'auth_id', 'sender ''x'''), ('sns', 'region', 'sender ''x'''),
	('kannel', 'url', 'sender ''x'''), ('mailgun', 'domain', 'sender ''a@example.com'''),
	('ses', 'region', 'sender ''a@example.com'''), ('resend', 'sender', 'rate ''1'''))
	AS needs (kind, option, others),
	pg_temp.refuse(format('CREATE SERVER ga_test FOREIGN DATA WRAPPER group_api_%s OPTIONS (%s)',
		kind, others)) AS said;
SELECT is(said.message || '|' || said.hint, 'options "sender", "url" are required for a provider of kind smtp|'
	'Option "sender": the From of every message: an address of a domain you may send for.'
	' Option "url": the relay: smtp://host:587 or smtps://host:465.', 'all that lack are told at once')
FROM pg_temp.refuse('CREATE SERVER ga_test FOREIGN DATA WRAPPER group_api_smtp') AS said;
SELECT isnt(said.hint, '', 'a missing option is explained')
FROM pg_temp.refuse('CREATE SERVER ga_test FOREIGN DATA WRAPPER group_api_smtp OPTIONS (url ''smtp://a'')')
	AS said;
SELECT is(pg_temp.try_server('smtp', ''), 'accepted', 'and with it all is well');
SELECT is(said.message, 'option "channel" is required for a provider of kind capture',
	'no options at all lack the required one')
FROM pg_temp.refuse('CREATE SERVER ga_test FOREIGN DATA WRAPPER group_api_capture') AS said;

-- ---- Values ----

SELECT is(pg_temp.try_server(kind, format('%s %L', option, value)), 'accepted',
	format('%s %s is taken', option, value))
FROM (VALUES ('smtp', 'url', 'smtps://relay.example:465'), ('smtp', 'url', 'smtp://[::1]:25'),
	('smtp', 'sender', 'a@example.com'), ('smtp', 'sender', '"Quoted, Name" <a@example.com>'),
	('smtp', 'priority', '0'), ('smtp', 'priority', '1000'), ('smtp', 'rate', '0.5'), ('smtp', 'rate', '0'),
	('smtp', 'max_connections', '64'), ('smtp', 'timeout', '600'), ('smtp', 'allow_private', 'true'),
	('smtp', 'tls', 'none'), ('smtp', 'ca_file', '/etc/ssl/ca.pem'), ('smtp', 'on_uncertain', 'hold'),
	('smtp', 'channel', 'EMAIL'), ('twilio', 'messaging_service_sid', 'MG' || repeat('f', 32)),
	('twilio', 'base_url', 'http://127.0.0.1:4010/x'), ('http', 'url', 'https://a/{to}?x={text}'),
	('http', 'fields', '{"to": "{to}"}'), ('http', 'method', 'PUT'), ('http', 'body', 'query'),
	('smtp', 'prefixes', 'example.com,example.org'), ('capture', 'channel', 'MOBILE'),
	('twilio', 'poll', 'true'), ('plivo', 'poll', 'true'), ('messagebird', 'poll', 'false'),
	('sns', 'sender_attribute', 'AWS.MM.SMS.OriginationNumber'), ('kannel', 'url', 'https://gw/cgi-bin/sendsms'),
	('mailgun', 'base_url', 'https://api.eu.mailgun.net'), ('resend', 'channel', 'EMAIL'))
	AS good (kind, option, value);

SELECT is(pg_temp.try_server(kind, format('%s %L', option, value)),
	format('HV024 option "%s" %s', option, complaint), format('%s %s is refused', option, to_json(left(value, 30))))
FROM (VALUES
	('smtp', 'url', 'http://a', 'must be an absolute URL with one of the schemes: smtp|smtps'),
	('smtp', 'url', 'relay.example', 'must be an absolute URL with one of the schemes: smtp|smtps'),
	('smtp', 'url', 'smtp://', 'must be an absolute URL with one of the schemes: smtp|smtps'),
	('smtp', 'url', 'SMTP://a', 'must be an absolute URL with one of the schemes: smtp|smtps'),
	('smtp', 'url', '', 'must not be empty'),
	('smtp', 'url', 'smtp://user:hunter2@a', 'must not hold a user name: put username and password '
	 'into the user mapping'),
	('smtp', 'url', E'smtp://a\r\nx', 'must not hold control characters'),
	('http', 'url', 'file:///etc/passwd', 'must be an absolute URL with one of the schemes: http|https'),
	('http', 'url', 'gopher://a', 'must be an absolute URL with one of the schemes: http|https'),
	('http', 'url', 'https://{to}.example/', 'must not hold spaces, nor templates before the path'),
	('http', 'url', 'https://a/b c', 'must not hold spaces, nor templates before the path'),
	('twilio', 'base_url', 'ftp://a', 'must be an absolute URL with one of the schemes: http|https'),
	('smtp', 'sender', 'Groups', 'must be an address, or Name <address>'),
	('smtp', 'sender', 'Groups <hello>', 'must be an address, or Name <address>'),
	('smtp', 'sender', 'a@example.com, b@example.com', 'must be an address, or Name <address>'),
	('smtp', 'sender', E'A\nBcc: x@y <a@example.com>', 'must not hold control characters'),
	('sendgrid', 'verification_key', 'x', 'must be a public key of the curve P-256 in base64'),
	('sendgrid', 'verification_key', 'MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEHFdBM9UapQwCPumltbntaeezCPFz155YnuXbgwkLLECP7g/wfdTGyH4ny0XNag/w/1xCyvmUXYEWndrZQGS+486O/QC4liusKJ47v4BXwC1AOvFwNhhhYva9HB7KLhig',
	 'must be a public key of the curve P-256 in base64'),
	('sendgrid', 'sender', 'Groups', 'must be an address, or Name <address>'),
	('twilio', 'poll', 'yes', 'must be true or false'),
	('sns', 'sender_attribute', 'x', 'must be one of: AWS.SNS.SMS.SenderID|AWS.MM.SMS.OriginationNumber'),
	('kannel', 'channel', 'EMAIL', 'must be one of: MOBILE'),
	('smtp', 'reply_to', 'x', 'must be an address, or Name <address>'),
	('smtp', 'priority', '-1', 'must be a whole number from 0 to 1000'),
	('smtp', 'priority', '1001', 'must be a whole number from 0 to 1000'),
	('smtp', 'priority', '1.5', 'must be a whole number from 0 to 1000'),
	('smtp', 'priority', '0x10', 'must be a whole number from 0 to 1000'),
	('smtp', 'priority', ' 1', 'must be a whole number from 0 to 1000'),
	('smtp', 'priority', '99999999999999999999', 'must be a whole number from 0 to 1000'),
	('smtp', 'max_connections', '0', 'must be a whole number from 1 to 64'),
	('smtp', 'max_connections', '65', 'must be a whole number from 1 to 64'),
	('smtp', 'rate', '-1', 'must be a number from 0 to 100000'),
	('smtp', 'rate', 'nan', 'must be a number from 0 to 100000'),
	('smtp', 'rate', 'inf', 'must be a number from 0 to 100000'),
	('smtp', 'rate', '1e9', 'must be a number from 0 to 100000'),
	('smtp', 'allow_private', 'yes', 'must be true or false'),
	('smtp', 'allow_private', 'TRUE', 'must be true or false'),
	('smtp', 'tls', 'maybe', 'must be one of: required|none'),
	('smtp', 'tls', 'required|none', 'must be one of: required|none'),
	('smtp', 'channel', 'MOBILE', 'must be one of: EMAIL'),
	('capture', 'channel', 'email', 'must be one of: EMAIL|MOBILE'),
	('smtp', 'ca_file', 'ca.pem', 'must be an absolute path'),
	('http', 'fields', '[]', 'must be a JSON object'), ('http', 'fields', '{', 'must be a JSON object'),
	('http', 'fields', '', 'must be a JSON object'), ('http', 'fields', '{"a" 1}', 'must be a JSON object'),
	('http', 'headers', '{x}', 'must be a JSON object'))
	AS bad (kind, option, value, complaint);

-- Everybody reads the options of a server: a gateway's key does not belong there.
SELECT is(said.state || ' ' || said.message, format('HV024 option "%s" holds what looks like a key in "%s"', option, place),
	format('%s: %s is refused', option, value))
FROM (VALUES ('headers', 'Authorization', '{"Authorization": "Basic dXNlcjpwYXNz"}'),
	('headers', 'authorization', '{"a": "b", "authorization": "App 003026bbc133714d"}'),
	('headers', 'X-Api-Key', '{"X-Api-Key": "0123456789abcdef"}'), ('headers', 'x_API_key', '{"x_API_key": "k"}'),
	('headers', 'X-Auth-Token', '{"X-Auth-Token": "{{literal}"}'), ('headers', 'X-Any', '{"X-Any": "Bearer abc123def456"}'),
	('headers', 'Ocp-Apim-Subscription-Key', '{"Ocp-Apim-Subscription-Key": "abc"}'), ('headers', 'Cookie', '{"Cookie": "s=1"}'),
	('fields', 'api_key', '{"to": "{to}", "api_key": "k-1"}'), ('fields', 'key', '{"key": "AIzaSyD-9tSr1"}'),
	('fields', 'apiSecret', '{"auth": {"apiSecret": "x"}}'), ('fields', 'password', '{"list": [{"password": "x"}]}'),
	('fields', 'access_token', '{"access_token": 12345678}'), ('url', 'api_key', 'https://g.example/?a=b&api_key=abc#x'),
	('url', 'token', 'https://g.example/{to}?token=abc12345&x=1'), ('base_url', 'pwd', 'https://g.example/?pwd=x'))
	AS bad (option, place, value), pg_temp.refuse(pg_temp.server('http', format('%s %L', option, value))) AS said;
SELECT is(said.detail || ' ' || said.hint, 'Everybody can read the options of a server. CREATE USER MAPPING FOR PUBLIC SERVER ... '
	'OPTIONS (password ''the key''); and write ' || instead || ' here.', 'and how to write it is told')
FROM (VALUES ('headers ''{"X-Api-Key": "hunter2"}''', '"X-Api-Key": "{password}"'),
	('headers ''{"Authorization": "hunter2"}''', '"Authorization": "Bearer {password}"'),
	('url ''https://g.example/?apikey=hunter2''', 'apikey={password}')) AS bad (options, instead),
	pg_temp.refuse(pg_temp.server('http', options)) AS said;
SELECT is(pg_temp.try_server('http', format('%s %L', option, value)), 'accepted', format('%s: %s is no key', option, value))
FROM (VALUES ('headers', '{"Authorization": "Bearer {password}"}'), ('headers', '{"Authorization": "App {password}"}'),
	('headers', '{"X-Api-Key": "{password}", "X-User": "{username}"}'), ('headers', '{"X-Signature": "v1", "Accept": "application/json"}'),
	('headers', '{"Idempotency-Key": "{key}", "Authorization": ""}'), ('headers', '{"X-Api-Key": "id-{username}:{password}"}'),
	('fields', '{"key": "{key}", "token": "sms", "auth": "none", "to": "{to}"}'), ('fields', '{"api_key": "{password}"}'),
	('fields', '{"keyword": "abc12345678", "author": "a1b2c3d4e5", "tokens": 3}'),
	('url', 'https://g.example/send?api_key={password}&to={to_digits}'), ('url', 'https://g.example/token/abc12345?type=sms'))
	AS good (option, value);

-- The metadata service of a cloud is no provider, and no literal form hides it.
SELECT is(pg_temp.try_server(kind, options), format('HV024 option "%s" must not name a cloud''s metadata service', split_part(options, ' ', 1)),
	format('%s: %s is refused', kind, options))
FROM (VALUES ('http', 'url ''http://169.254.169.254/latest/'', allow_private ''true'''), ('http', 'url ''http://2852039166'''),
	('http', 'base_url ''http://[::ffff:a9fe:a9fe]:80/'''), ('smtp', 'url ''smtp://0xA9.0xFE.0xA9.0xFE:25'''),
	('kannel', 'url ''http://[fd00:ec2::254]/'''), ('twilio', 'base_url ''https://100.100.100.200./''')) AS bad (kind, options);
SELECT is(pg_temp.try_server('smtp', 'url ''smtp://127.0.0.1:25'''), 'accepted', 'a superuser means the address he writes');

SELECT is(said.state || ' ' || said.message || ': ' || said.detail,
	format('HV024 the options of a provider of kind %s do not agree: %s', kind, complaint), complaint)
FROM (VALUES
	('twilio', 'account_sid ''AC1''', 'account_sid must be AC and 32 hexadecimal digits'),
	('twilio', 'messaging_service_sid ''MG1''', 'messaging_service_sid must be MG and 32 hexadecimal digits'),
	('sns', 'region ''eu-west-1.evil.example/''', 'region must be the name of an AWS region, like eu-west-1'),
	('capture', 'sender ''nobody''', 'sender must be an address, or Name <address>'))
	AS bad (kind, options, complaint), pg_temp.refuse(pg_temp.server(kind, options)) AS said;
SELECT is(said.detail, 'a twilio provider needs sender or messaging_service_sid',
	'an account alone sends nothing')
FROM pg_temp.refuse(format('CREATE SERVER ga_test FOREIGN DATA WRAPPER group_api_twilio '
	'OPTIONS (account_sid %L)', 'AC' || repeat('0', 32))) AS said;

-- ---- User mappings, and secrets ----

SELECT pg_temp.server('smtp') AS create_mail \gset
:create_mail;
CREATE SERVER ga_test_http FOREIGN DATA WRAPPER group_api_http
	OPTIONS (url 'https://gateway.example/', channel 'MOBILE');
CREATE FUNCTION pg_temp.try_mapping(server text, options text) RETURNS pg_temp.refusal
LANGUAGE sql AS $$
	SELECT pg_temp.refuse(format('CREATE USER MAPPING FOR PUBLIC SERVER %I OPTIONS (%s)', server, options))
$$;
SELECT is(message, 'accepted', format('%s is taken in a user mapping', options))
FROM (VALUES ('ga_test', 'username ''u'', password ''p'''), ('ga_test', 'password_file ''/x'''),
	('ga_test_http', 'bearer_token ''t'''), ('ga_test', '"password" ''with "quotes" and \ '''''''))
	AS good (server, options), pg_temp.try_mapping(server, options);
SELECT is(state || ' ' || message || ' ' || detail, expected, expected)
FROM (VALUES
	('ga_test', 'passwort ''x''', 'HV00D invalid option "passwort" for a provider of kind smtp '),
	('ga_test', 'sender ''x@example.com''', 'HV00D invalid option "sender" for a provider of kind smtp '
	 'It belongs to the server (CREATE SERVER).'),
	('ga_test', 'bearer_token ''x''', 'HV00D invalid option "bearer_token" for a provider of kind smtp '),
	('ga_test', 'password ''''', 'HV024 option "password" must not be empty '),
	('ga_test', 'password_file ''x''', 'HV024 option "password_file" must be an absolute path '),
	('ga_test', 'password ''x'', password_file ''/x''', 'HV024 the options of a provider of kind smtp '
	 'do not agree password and password_file exclude each other'),
	('ga_test_http', 'bearer_token ''x'', username ''y''', 'HV024 the options of a provider of kind http '
	 'do not agree bearer_token excludes username and password'))
	AS bad (server, options, expected), pg_temp.try_mapping(server, options);
SELECT unalike(said::text, '%hunter2%', format('%s: the secret is in no message', options))
FROM (VALUES (E'password ''hunter2\x01'''), ('password ''hunter2'', password_file ''/x'''),
	('passwort ''hunter2'''), ('password_file ''hunter2''')) AS bad (options),
	pg_temp.try_mapping('ga_test', options) AS said
UNION ALL
SELECT unalike(said::text, '%hunter2%', format('%s: the secret is in no message', options))
FROM (VALUES ('password ''hunter2'''), ('url ''smtp://u:hunter2@a'''), ('url ''hunter2''')) AS bad (options),
	pg_temp.refuse(pg_temp.server('smtp', options)) AS said;

SELECT is((pg_temp.refuse('ALTER SERVER ga_test OPTIONS (ADD priority ''x'')')).state, 'HV024',
	'ALTER SERVER is checked');
SELECT is((pg_temp.refuse('ALTER SERVER ga_test OPTIONS (DROP sender)')).state, 'HV00J',
	'a required option cannot be dropped');
SELECT is((pg_temp.refuse('ALTER FOREIGN DATA WRAPPER group_api_smtp OPTIONS (ADD x ''1'')')).hint,
	'Valid options here are: none.', 'a wrapper has no options');

-- Whoever may not read the server's files may not have them sent to a host.
CREATE ROLE ga_test_operator;
SELECT group_api.grant_access('ga_test_operator', 'operator');
SET LOCAL ROLE ga_test_operator;
CREATE SERVER ga_test_own FOREIGN DATA WRAPPER group_api_smtp
	OPTIONS (url 'smtp://relay.example', sender 'a@example.com');
SELECT is(message, 'accepted', 'an operator makes providers') FROM pg_temp.try_mapping('ga_test_own',
	'password ''x''');
SELECT is(state || ' ' || message, '42501 permission denied to set option "password_file"',
	'an operator cannot name a file on the server') FROM pg_temp.try_mapping('ga_test_own',
	'password_file ''/etc/shadow''');
SELECT is((pg_temp.refuse('ALTER SERVER ga_test_own OPTIONS (ADD ca_file ''/etc/shadow'')')).message,
	'permission denied to set option "ca_file"', 'neither as a certificate');
RESET ROLE;
GRANT pg_read_server_files TO ga_test_operator;
SET LOCAL ROLE ga_test_operator;
SELECT is(message, 'accepted', 'who may read the server''s files may name them')
FROM pg_temp.try_mapping('ga_test_own', 'password_file ''/etc/shadow''');
RESET ROLE;
DROP SERVER ga_test_own;

-- ---- The views ----

CREATE SERVER ga_test_sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE');
SELECT results_eq($$SELECT server::text COLLATE "default", kind COLLATE "default", channel, state, reason, since
	FROM group_api.providers WHERE server IN ('ga_test', 'ga_test_http', 'ga_test_sms')$$,
	$$VALUES ('ga_test', 'smtp', 'EMAIL', 'ready', NULL::text, NULL::timestamptz),
		('ga_test_http', 'http', 'MOBILE', 'ready', NULL, NULL),
		('ga_test_sms', 'capture', 'MOBILE', 'ready', NULL, NULL)$$,
	'providers lists them with the channel they serve');

SELECT group_api.create_group('{"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
	"name": "Fans", "description": "d", "message": "m", "image": "https://example.com/piano.jpg",
	"members": [{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "ann@example.com"}},
		{"nickName": "Bob", "contact": {"type": "MOBILE", "value": "+27701231234"}},
		{"nickName": "Cid", "contact": {"type": "MOBILE", "value": "+27701231235"}}]}')
	#>> '{group,id}' AS fans \gset
SELECT results_eq($$SELECT channel::text, delivery::text, invitations, next_due = now(), oldest
	FROM group_api.queue$$, $$VALUES ('MOBILE', 'queued', 2::bigint, true, interval '0'),
	('EMAIL', 'queued', 1, true, '0')$$, 'queue counts what waits')
WHERE NOT EXISTS (SELECT FROM group_api_private.invitations
	WHERE due IS NOT NULL AND group_id <> :'fans');
SELECT is((member, member_name, channel, contact, delivery, response, attempts, "group")::text, expected,
	'deliveries has a row for ' || member_name)
FROM (VALUES (2, '(2,Ann,EMAIL,ann@example.com,queued,pending,0,Fans)'),
	(3, '(3,Bob,MOBILE,+27701231234,queued,pending,0,Fans)'),
	(4, '(4,Cid,MOBILE,+27701231235,queued,pending,0,Fans)')) AS rows (member, expected)
JOIN group_api.deliveries d USING (member) WHERE group_id = :'fans';

INSERT INTO group_api_private.attempts (group_id, member, attempt, segments, outcome, server,
	started_at, elapsed, code, detail)
	VALUES (:'fans', 3, 1, 1, 'rejected', 'ga_test_sms', now(), '1 s', '21211', 'no such number');
INSERT INTO group_api_private.captured (group_id, member, server, channel, recipient, message)
	VALUES (:'fans', 3, 'ga_test_sms', 'MOBILE', '+27701231234', repeat('x', 161)),
		(:'fans', 2, 'ga_test', 'EMAIL', 'ann@example.com', 'Hello');
SELECT is((member_name, server, attempt, outcome, code, detail, elapsed, segments)::text,
	'(Bob,ga_test_sms,1,rejected,21211,"no such number",00:00:01,1)',
	'attempts tells each try with the provider''s words')
FROM group_api.attempts WHERE group_id = :'fans';
SELECT results_eq(format($$SELECT member, channel::text, segments, length(message)
	FROM group_api.captured WHERE group_id = %L ORDER BY member$$, :'fans'),
	$$VALUES (2, 'EMAIL', NULL::int, 5), (3, 'MOBILE', 2, 161)$$,
	'captured counts the segments of an SMS');

-- ---- Pausing ----

SELECT group_api.pause('ga_test_sms', 'until Monday');
SELECT group_api.pause('ga_test_http');
SELECT results_eq($$SELECT server::text COLLATE "default", state, reason, since = now() FROM group_api.providers
	WHERE server IN ('ga_test', 'ga_test_http', 'ga_test_sms')$$,
	$$VALUES ('ga_test', 'ready', NULL, NULL::boolean),
		('ga_test_http', 'paused', 'paused by an operator', true),
		('ga_test_sms', 'paused', 'until Monday', true)$$, 'a paused provider says why');
SELECT is(group_api.get_group(:'fans') #>> '{group,members,2,delivery,reason}',
	'provider ga_test_http is paused: paused by an operator',
	'and so does a member who waits for it')
WHERE NOT EXISTS (SELECT FROM group_api.providers WHERE channel = 'MOBILE' AND state = 'ready');
SELECT is((ok, fact LIKE '%ga_test_http is paused: paused by an operator', hint)::text,
	(false, true, 'SELECT group_api.resume(''ga_test_http'');')::text,
	'and health() says what to do')
FROM group_api.health() WHERE "check" = 'provider for MOBILE'
	AND NOT EXISTS (SELECT FROM group_api.providers WHERE channel = 'MOBILE' AND state = 'ready');
SELECT lives_ok($$SELECT group_api.pause('ga_test_sms', 'again')$$, 'pausing twice is no error');
SELECT is(reason, 'again', 'the later reason counts') FROM group_api.providers WHERE server = 'ga_test_sms';
SELECT is(group_api.resume('ga_test_sms'), true, 'resume() ends a pause');
SELECT is(group_api.resume('ga_test_sms'), false, 'and tells when there was none');
SELECT is(state, 'ready', 'the provider is ready again') FROM group_api.providers
WHERE server = 'ga_test_sms';

CREATE FUNCTION pg_temp.pauses(name text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(server || ' ' || reason, ',' ORDER BY server), 'none') FROM group_api_private.pauses WHERE server LIKE name
$$;
CREATE SERVER ga_test_brief FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL');
SELECT group_api.pause('ga_test_brief', 'until Monday');
DROP SERVER ga_test_brief;
SELECT is(pg_temp.pauses('ga_test_brief%'), 'none', 'a pause goes with its provider');
CREATE SERVER ga_test_brief FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL');
SELECT is(state, 'ready', 'so another one of its name is ready') FROM group_api.providers WHERE server = 'ga_test_brief';
SELECT group_api.pause('ga_test_brief', 'until Monday');
ALTER SERVER ga_test_brief RENAME TO ga_test_brief_2;
SELECT is(pg_temp.pauses('ga_test_brief%'), 'ga_test_brief_2 until Monday', 'it keeps to its provider under another name');
CREATE ROLE ga_test_keeper_of_servers;
ALTER SERVER ga_test_brief_2 OWNER TO ga_test_keeper_of_servers;
SET LOCAL ROLE ga_test_keeper_of_servers;
DROP SERVER ga_test_brief_2;
RESET ROLE;
SELECT is(pg_temp.pauses('ga_test_brief%'), 'none', 'also when somebody without a right to it drops the provider');
CREATE SERVER ga_test_brief FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL');
SELECT group_api.pause('ga_test_brief');
ALTER SERVER ga_test_brief OWNER TO ga_test_keeper_of_servers;
DROP OWNED BY ga_test_keeper_of_servers;
SELECT is(pg_temp.pauses('ga_test_brief%'), 'none', 'or all that is its owner''s');
SELECT is(pg_temp.pauses('ga_test_http'), 'ga_test_http paused by an operator', 'other pauses stay');

SELECT is((said.state, said.message, said.hint)::text, (commands.state, commands.message,
	'SELECT * FROM group_api.providers; lists them.')::text, command)
FROM (VALUES ('SELECT group_api.pause(''nowhere'')', '42704', 'provider "nowhere" does not exist'),
	('SELECT group_api.resume(''nowhere'')', '42704', 'provider "nowhere" does not exist'),
	('SELECT group_api.pause(NULL)', '22004', 'the provider must not be null'),
	('SELECT group_api.resume(NULL)', '22004', 'the provider must not be null'))
	AS commands (command, state, message), pg_temp.refuse(command) AS said;
CREATE FOREIGN DATA WRAPPER ga_test_foreign;
CREATE SERVER ga_test_foreign FOREIGN DATA WRAPPER ga_test_foreign;
SELECT is((pg_temp.refuse('SELECT group_api.pause(''ga_test_foreign'')')).state, '42704',
	'a server of another wrapper is no provider');

-- ---- retry_failed ----

UPDATE group_api_private.invitations SET delivery = 'failed', due = NULL, attempts = 7,
	reason = 'gone', response = CASE number WHEN 4 THEN 'expired' ELSE 'pending' END::group_api.response
	WHERE group_id = :'fans';
SELECT is(group_api.retry_failed(gen_random_uuid()), 0::bigint, 'no other group is retried');
SELECT is(group_api.retry_failed(:'fans', 'EMAIL'), 1::bigint, 'a channel can be chosen');
SELECT is(group_api.retry_failed(:'fans', 'EMAIL'), 0::bigint, 'what is queued has not failed');
SELECT is(group_api.retry_failed(:'fans'), 2::bigint, 'or a group');
SELECT results_eq(format($$SELECT DISTINCT delivery::text, response::text, attempts::int, reason,
	due = now(), expires_at > now() FROM group_api_private.invitations WHERE group_id = %L$$, :'fans'),
	$$VALUES ('queued', 'pending', 0, NULL::text, true, true)$$,
	'they are as good as new, also those that had expired');
UPDATE group_api_private.invitations SET delivery = 'uncertain', due = NULL WHERE group_id = :'fans'
	AND number = 2;
UPDATE group_api_private.invitations SET delivery = 'failed', due = NULL, response = 'declined'
	WHERE group_id = :'fans' AND number = 3;
UPDATE group_api_private.invitations SET delivery = 'failed', due = NULL, response = 'revoked'
	WHERE group_id = :'fans' AND number = 4;
SELECT is(group_api.retry_failed(group_id => :'fans'), 1::bigint,
	'what is uncertain is retried, what was answered or withdrawn is not');
UPDATE group_api_private.invitations SET delivery = 'failed', due = NULL, response = 'pending'
	WHERE group_id = :'fans';
SELECT is(group_api.retry_failed(channel => 'MOBILE') >= 2, true, 'all groups at once');
SELECT is(delivery::text, 'failed', 'but of the channel only')
FROM group_api_private.invitations WHERE group_id = :'fans' AND number = 2;
UPDATE group_api_private.invitations SET delivery = 'failed', due = NULL, response = 'pending',
	reason = CASE number WHEN 2 THEN '550 5.1.1 no such user' ELSE 'http 500' END,
	changed_at = now() - CASE number WHEN 3 THEN interval '2 days' ELSE interval '1 hour' END
	WHERE group_id = :'fans';
SELECT is(group_api.retry_failed(:'fans', reason => '550%', max_age => interval '1 minute'), 0::bigint,
	'what failed longer ago than max_age is left alone');
SELECT is(group_api.retry_failed(:'fans', reason => '550%'), 1::bigint, 'a reason can be chosen');
SELECT is(group_api.retry_failed(:'fans', reason => '550%'), 0::bigint, 'what failed for another one stays');
SELECT is(group_api.retry_failed(:'fans', max_age => interval '1 day'), 1::bigint, 'or what failed not long ago');
SELECT is(group_api.retry_failed(:'fans', server => 'ga_test_http'), 0::bigint, 'or a provider that was tried');
SELECT is(group_api.retry_failed(:'fans'), 1::bigint, 'the rest by itself');
-- As in_batches() does, batch by batch, while the provider refuses at once.
UPDATE group_api_private.invitations SET delivery = 'failed', due = NULL, response = 'pending', changed_at = now() - interval '1 hour'
	WHERE group_id = :'fans';
SELECT group_api.report_progress('retry_failed', 0, 3) \gset ignored_
SELECT is(group_api.retry_failed(:'fans', max_rows => 1), 1::bigint, 'in batches one is retried');
UPDATE group_api_private.invitations SET delivery = 'failed', due = NULL, changed_at = clock_timestamp()
	WHERE group_id = :'fans' AND delivery = 'queued';
SELECT is(group_api.retry_failed(:'fans'), 2::bigint, 'then the others, and not again what failed meanwhile');
SELECT is(group_api.retry_failed(:'fans'), 0::bigint, 'not even last');
SELECT group_api.report_progress(NULL, 3, 3) \gset ignored_
SELECT is(group_api.retry_failed(:'fans'), 1::bigint, 'whoever retries later retries that, too');
SELECT group_api.report_progress('resend', 0, 3) \gset ignored_
DO 'BEGIN RAISE ''refused''; EXCEPTION WHEN OTHERS THEN NULL; END';
SELECT is((SELECT count(*) FROM group_api.stat_progress WHERE pid = pg_backend_pid()), 1::bigint, 'an error that is caught inside ends no work');
DO 'BEGIN PERFORM group_api.report_progress(''retry_failed'', 0, 3); RAISE ''refused''; EXCEPTION WHEN OTHERS THEN NULL; END';
SELECT is((SELECT count(*) FROM group_api.stat_progress WHERE pid = pg_backend_pid()), 0::bigint, 'one that ends the work itself does');
UPDATE group_api_private.invitations SET delivery = 'failed', due = NULL, changed_at = clock_timestamp() WHERE group_id = :'fans';
SELECT is(group_api.retry_failed(:'fans'), 3::bigint, 'and nothing is left out afterwards');

-- ---- adopt ----

UPDATE group_api_private.installation SET database_oid = 1;
SELECT is((ok, hint)::text, (false, 'SELECT group_api.adopt(dry_run => true); says what would be sent, SELECT group_api.adopt(); sends it')::text,
	'health() tells that the data come from elsewhere')
FROM group_api.health() WHERE "check" = 'adopted';
SELECT is(group_api.adopt(), count(*), 'adopt() tells how many invitations wait')
FROM group_api_private.invitations WHERE due IS NOT NULL;
SELECT is(ok, true, 'then the data are ours') FROM group_api.health() WHERE "check" = 'adopted';
DELETE FROM group_api_private.link_secret;
SELECT group_api.adopt();
SELECT is(count(*)::int, 1, 'adopt() makes a secret where a dump brought none')
FROM group_api_private.link_secret;

-- ---- health and waiting ----

SELECT is_empty($$SELECT unnest(ARRAY['dispatcher', 'adopted', 'provider for MOBILE', 'provider for EMAIL', 'locks', 'errors',
	'outcomes', 'receipts', 'capture', 'links', 'trusted roles', 'version', 'words', 'phone tables', 'events'])
	EXCEPT SELECT "check" FROM group_api.health()$$, 'health() has a row for each check');
SELECT is_empty('SELECT FROM group_api.health() WHERE severity NOT IN (''critical'', ''warning'', ''notice'', ''ok'')'
	' OR ok <> (severity IN (''ok'', ''notice'')) OR (severity <> ''ok'' AND since IS NULL)', 'with a severity, and since when');
SELECT is_empty('SELECT FROM group_api.health() WHERE ok IS NULL OR fact IS NULL',
	'each with its fact');
SELECT is((pg_temp.refuse('SELECT group_api.wait_until_idle(NULL)')).state, '22004',
	'a time-out must be given');
SELECT is(group_api.wait_until_idle('20 ms'), false,
	'what this transaction has queued cannot be waited for');
SELECT is(group_api.wait_until_idle('-1 day'), false, 'nor for less than no time');
CREATE FUNCTION pg_temp.waits_on(timeout interval) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RETURN group_api.wait_until_idle(timeout) IS NULL;
EXCEPTION WHEN query_canceled THEN
	RETURN true;
END $$;
SET LOCAL statement_timeout = '200ms';
SELECT ok(pg_temp.waits_on('1000000 years'), 'a time-out may be longer than any clock goes');
SET LOCAL statement_timeout = 0;

SELECT * FROM finish();
ROLLBACK;
