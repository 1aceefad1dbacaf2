-- The roles of PostgREST, run once by a superuser who owns the extension:
--   psql -d groups -f roles.sql

-- What PostgREST logs in as; it may become the others and nothing else.
CREATE ROLE authenticator LOGIN NOINHERIT;
-- Whoever has no token: people with a link, providers' callbacks.
CREATE ROLE anon NOLOGIN;
-- Whoever has one: tokens carry {"role": "web", "sub": "..."}.
CREATE ROLE web NOLOGIN;
GRANT anon, web TO authenticator;

-- Its word on who calls counts: group_api.trusted_roles names it (the default), and
-- this makes it so.  A name alone does not: others might create a role of that name.
SELECT group_api.grant_access('authenticator', 'gateway');
SELECT group_api.grant_access('anon', 'anonymous');
SELECT group_api.grant_access('web', 'caller');
