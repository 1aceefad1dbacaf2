-- The roles of PostgREST, run once by a superuser who owns the extension:
--   psql -d groups -f roles.sql

-- What PostgREST logs in as; it may become the others and nothing else.
CREATE ROLE authenticator LOGIN NOINHERIT;
-- Whoever has no token: people with a link, providers' callbacks.
CREATE ROLE anon NOLOGIN;
-- Whoever has one: tokens carry {"role": "web", "sub": "..."}.
CREATE ROLE web NOLOGIN;
GRANT anon, web TO authenticator;

-- A request is over in a moment, or it is given up: none waits for the locks of
-- others, nor keeps its own while its gateway hangs.
ALTER ROLE authenticator SET lock_timeout = '3s';
ALTER ROLE authenticator SET statement_timeout = '30s';
ALTER ROLE authenticator SET idle_in_transaction_session_timeout = '10s';

-- Its word on who calls counts: group_api.trusted_roles names it (the default), and
-- this makes it so.  A name alone does not: others might create a role of that name.
SELECT group_api.grant_access('authenticator', 'gateway');
SELECT group_api.grant_access('anon', 'anonymous');
SELECT group_api.grant_access('web', 'caller');
