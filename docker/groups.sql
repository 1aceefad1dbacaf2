-- What the image's database begins with.  The variables are entrypoint.sh's.
\set QUIET on
SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';

CREATE EXTENSION group_api;
\i :roles
ALTER ROLE authenticator PASSWORD :'authenticator_password';

-- allow_private: the relay is a neighbour.
CREATE SERVER relay FOREIGN DATA WRAPPER group_api_smtp
    OPTIONS (url :'relay', sender :'sender', allow_private 'true', tls :'tls');

ALTER SYSTEM SET group_api.invitation_url = :'invitation_url';
ALTER SYSTEM SET group_api.unsubscribe_url = :'unsubscribe_url';
SELECT :'picture_url' <> '' AS has_picture_url \gset
\if :has_picture_url
ALTER SYSTEM SET group_api.picture_url = :'picture_url';
\endif
