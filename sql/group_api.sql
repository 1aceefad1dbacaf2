-- group_api.sql: the current schema of the extension, in reading order.
-- The Makefile copies it to group_api--VERSION.sql.
--
-- Three schemas: group_api (contract A and what operators use), group_api_v2
-- (contract B), group_api_private (tables; never exposed).  Nothing is granted
-- to PUBLIC; group_api.grant_access() hands out rights.  Every write goes
-- through a C function that switches to the owner with a pinned search_path.

\echo Use "CREATE EXTENSION group_api" to load this file. \quit

DO $$
BEGIN
    IF pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'feature_not_supported',
            MESSAGE = 'group_api needs a database in UTF8',
            DETAIL = pg_catalog.format('This database is encoded in %s.',
                                       pg_catalog.current_setting('server_encoding')),
            HINT = 'CREATE DATABASE name ENCODING ''UTF8'' TEMPLATE template0;';
    END IF;
END
$$;

CREATE SCHEMA group_api;
CREATE SCHEMA group_api_v2;
CREATE SCHEMA group_api_private;

COMMENT ON SCHEMA group_api IS 'groups and invitations: contract A, the functions of invitations, operators'' functions and views';
COMMENT ON SCHEMA group_api_v2 IS 'groups: contract B';
COMMENT ON SCHEMA group_api_private IS 'internal: the tables of group_api; not to be exposed';

-- Library -------------------------------------------------------------------

CREATE FUNCTION group_api_private.library_version() RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_library_version';
COMMENT ON FUNCTION group_api_private.library_version() IS 'internal: the version of the library that the server loaded';

CREATE FUNCTION group_api_private.check_library() RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_check_library';
COMMENT ON FUNCTION group_api_private.check_library() IS
'internal: refuses, with what to do, where the library that the server loaded is older than the extension in this database; every script that upgrades it says so first';

SELECT group_api_private.check_library();

-- Words ---------------------------------------------------------------------

CREATE TYPE group_api.channel AS ENUM ('MOBILE', 'EMAIL');
COMMENT ON TYPE group_api.channel IS
$$How a person is reached.

MOBILE: by an SMS to an E.164 number
EMAIL: by a mail$$;

CREATE TYPE group_api.delivery AS ENUM
    ('held', 'queued', 'sending', 'sent', 'delivered',
     'failed', 'suppressed', 'canceled', 'uncertain');
COMMENT ON TYPE group_api.delivery IS
$$What happened to an invitation's message.

held: the call said sendInvitations false; it waits for send_invitations()
queued: it waits for its turn, or for its next try
sending: a dispatcher has it; that was committed before the first byte left
sent: the provider took it over
delivered: the person has it: a receipt said so, or they answered
failed: it was refused for good, given up, set aside, or expired before it was sent
suppressed: the contact gets nothing more; the view suppressions says why
canceled: it is not sent, as the invitation was revoked or its group archived
uncertain: it was handed over, no answer came, and the provider is set to hold such messages$$;

CREATE TYPE group_api.response AS ENUM
    ('pending', 'accepted', 'declined', 'revoked', 'expired');
COMMENT ON TYPE group_api.response IS
$$What the invited person decided, or what ended the invitation.

pending: there is no answer yet
accepted: the person joined
declined: the person did not want to; a resend asks again
revoked: the leader took the invitation back; its links end
expired: nobody answered within group_api.invitation_expiry; a resend asks again$$;

CREATE TYPE group_api.suppression AS ENUM
    ('bounced', 'complained', 'unsubscribed', 'opted_out', 'operator');
COMMENT ON TYPE group_api.suppression IS
$$Why nothing more is sent to a contact.

bounced: its mailbox or number is dead
complained: its person marked a message as spam
unsubscribed: its person unsubscribed by one click
opted_out: its person answered STOP
operator: suppress() was called$$;

-- PostgREST hands what a function of this type returns to browsers as it is.
CREATE DOMAIN group_api."text/html" AS text;
COMMENT ON DOMAIN group_api."text/html" IS 'a page; over PostgREST the media type of that name';
-- What has no type before it is read; over PostgREST any media type.
CREATE DOMAIN group_api."*/*" AS bytea;
COMMENT ON DOMAIN group_api."*/*" IS 'bytes that say themselves what they are; over PostgREST any media type';

CREATE TYPE group_api.group_status AS ENUM ('ACTIVE', 'ARCHIVED');
COMMENT ON TYPE group_api.group_status IS
$$Contract A's GroupStatus.

ACTIVE: members can answer and be added
ARCHIVED: nothing more is sent, and nobody can join; see archive_group()$$;

-- Indexes are made of it.
CREATE FUNCTION group_api_private.name_key(text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'group_api_name_key';
COMMENT ON FUNCTION group_api_private.name_key(text) IS 'internal: a name in Unicode''s Normalization Form KC, without letters that nobody sees';

CREATE FUNCTION group_api_private.search_grams(text) RETURNS integer[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'group_api_search_grams';
COMMENT ON FUNCTION group_api_private.search_grams(text) IS 'internal: all pieces of one to four characters of a text, as numbers; two may have the same';

-- Tables --------------------------------------------------------------------
-- Every child key begins with the group's id.  There are no foreign keys: only our own
-- functions write rows, and a check per member would be most of the cost of a large
-- group.  groups_cascade keeps children from outliving
-- their group.

CREATE TABLE group_api_private.users (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    subject     text NOT NULL,
    username    text,
    real_name   text,
    ext_id      text,
    avatar      text,
    email       text,
    mobile      text,
    locale      text,
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    issuer      text,
    role_oid    oid,
    role_cluster bigint,
    search_names text GENERATED ALWAYS AS (pg_catalog.lower(
        COALESCE(username, '') OPERATOR(pg_catalog.||) E'\n' OPERATOR(pg_catalog.||) COALESCE(real_name, ''))) STORED,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_subject_key UNIQUE (subject),
    CONSTRAINT users_role_key UNIQUE (role_oid, role_cluster),
    CONSTRAINT users_role_check CHECK ((role_oid IS NULL) = (role_cluster IS NULL))
);
COMMENT ON TABLE group_api_private.users IS 'internal: the user directory, filled from OIDC claims at first sight or by the app';
COMMENT ON COLUMN group_api_private.users.subject IS 'the claim "sub", iss:ISSUER#SUB where another issuer''s user has that one, role:NAME for callers in SQL, former-role:CLUSTER:OID:NAME once another role has the name';
COMMENT ON COLUMN group_api_private.users.issuer IS 'the claim "iss" of the token that was seen first, empty where it had none; null: entered by put_user(), or a role';
COMMENT ON COLUMN group_api_private.users.role_oid IS 'the role of a caller in SQL, which keeps its oid when it is renamed';
COMMENT ON COLUMN group_api_private.users.role_cluster IS 'the system identifier of the cluster in which role_oid counts; in another one the name does';
-- What is not in the index yet (at most 64 kB) is read by every search.
COMMENT ON COLUMN group_api_private.users.search_names IS 'what suggest_users() looks in: both names, in lower case';
-- Whose picture an accepted invitation's contact leads to.
CREATE INDEX users_email ON group_api_private.users (pg_catalog.lower(email)) WHERE email IS NOT NULL;
CREATE INDEX users_mobile ON group_api_private.users (mobile) WHERE mobile IS NOT NULL;
CREATE INDEX users_search ON group_api_private.users USING gin (group_api_private.search_grams(search_names)) WITH (gin_pending_list_limit = 64) WHERE role_oid IS NULL;

CREATE TABLE group_api_private.groups (
    id          uuid NOT NULL,
    number      bigint GENERATED ALWAYS AS IDENTITY,
    contract    "char" NOT NULL,
    status      group_api.group_status NOT NULL DEFAULT 'ACTIVE',
    name        text NOT NULL,
    description text,
    image       text,
    message     text,
    inviter     text,
    product_id  uuid,
    created_by  bigint NOT NULL,
    created_at  timestamptz NOT NULL,
    slug        text,
    color       text,
    is_private  boolean NOT NULL DEFAULT false,
    visible     boolean NOT NULL DEFAULT true,
    active      boolean NOT NULL DEFAULT true,
    emotional_image          text,
    emotional_image_position integer NOT NULL DEFAULT 0,
    locale      text,
    next_deadline timestamptz,
    last_member integer,
    search_name text GENERATED ALWAYS AS (CASE contract WHEN 'B' THEN pg_catalog.lower(name) END) STORED,
    CONSTRAINT groups_pkey PRIMARY KEY (id),
    CONSTRAINT groups_number_key UNIQUE (number),
    CONSTRAINT groups_contract_check CHECK (contract IN ('A', 'B'))
);
COMMENT ON TABLE group_api_private.groups IS 'internal: groups of both contracts';
COMMENT ON COLUMN group_api_private.groups.id IS 'UUID version 7; behind the variant stand ten bits of the shard';
COMMENT ON COLUMN group_api_private.groups.number IS 'contract B''s integer id; also names the group in links; the shard above 43 bits';
COMMENT ON COLUMN group_api_private.groups.inviter IS 'the leader''s name as invitations show it';
COMMENT ON COLUMN group_api_private.groups.locale IS 'the language of its messages where a member''s own is not known; null: group_api.default_locale';
COMMENT ON COLUMN group_api_private.groups.next_deadline IS 'when something is due for its open invitations next: a reminder, or their expiry';
COMMENT ON COLUMN group_api_private.groups.last_member IS 'the highest number a member had who is gone: none is given out twice, as links name them';
CREATE INDEX groups_next_deadline ON group_api_private.groups (next_deadline, id) WHERE next_deadline IS NOT NULL;
CREATE UNIQUE INDEX groups_v2_name_key ON group_api_private.groups (group_api_private.name_key(name)) WHERE contract = 'B';
CREATE UNIQUE INDEX groups_v2_slug_key ON group_api_private.groups (slug) WHERE contract = 'B';
COMMENT ON COLUMN group_api_private.groups.search_name IS 'what search_groups() looks in: the name in lower case, of groups of contract B';
CREATE INDEX groups_v2_number ON group_api_private.groups (number) WHERE contract = 'B' AND status = 'ACTIVE';
CREATE INDEX groups_v2_visible ON group_api_private.groups (number) INCLUDE (search_name) WHERE contract = 'B' AND status = 'ACTIVE' AND visible;
CREATE INDEX groups_v2_search ON group_api_private.groups USING gin (group_api_private.search_grams(search_name)) WITH (gin_pending_list_limit = 64) WHERE contract = 'B' AND status = 'ACTIVE';

CREATE TABLE group_api_private.members (
    group_id    uuid NOT NULL,
    number      integer NOT NULL,
    is_leader   boolean NOT NULL DEFAULT false,
    user_id     bigint,
    name        text NOT NULL,
    picture     text,
    CONSTRAINT members_pkey PRIMARY KEY (group_id, number)
);
COMMENT ON TABLE group_api_private.members IS 'internal: persons of a group; number 1 is the leader';
CREATE UNIQUE INDEX members_user_key ON group_api_private.members (user_id, group_id) WHERE user_id IS NOT NULL;

CREATE TABLE group_api_private.requests (
    group_id     uuid NOT NULL,
    user_id      bigint NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT requests_pkey PRIMARY KEY (group_id, user_id)
);
COMMENT ON TABLE group_api_private.requests IS 'internal: users who ask to join a private group of contract B';
CREATE INDEX requests_user_id ON group_api_private.requests (user_id);

CREATE TABLE group_api_private.pictures (
    group_id   uuid NOT NULL,
    id         uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    media_type text NOT NULL,
    data       bytea NOT NULL,
    CONSTRAINT pictures_pkey PRIMARY KEY (group_id, id)
);
COMMENT ON TABLE group_api_private.pictures IS 'internal: uploaded pictures; groups.image and emotional_image say picture:ID';
CREATE INDEX pictures_id ON group_api_private.pictures (id);
-- Pictures are compressed already.
ALTER TABLE group_api_private.pictures ALTER COLUMN data SET STORAGE EXTERNAL;

-- The queue lives in the invitations themselves: a row waits while "due" is not
-- null.  Those with a start tag leave in its order; the others wait until they are
-- due and get theirs then.  The delivery state is in no index and in no predicate,
-- so that the claim (queued to sending) is a HOT update.
CREATE TABLE group_api_private.invitations (
    group_id     uuid NOT NULL,
    number       integer NOT NULL,
    channel      group_api.channel,
    delivery     group_api.delivery,
    response     group_api.response NOT NULL DEFAULT 'pending',
    attempts     smallint NOT NULL DEFAULT 0,
    link_version smallint NOT NULL DEFAULT 1,
    reminders    smallint NOT NULL DEFAULT 0,
    contact_since smallint NOT NULL DEFAULT 1,
    refusals     smallint NOT NULL DEFAULT 0,
    pauses       smallint NOT NULL DEFAULT 0,
    crashes      smallint NOT NULL DEFAULT 0,
    incarnation  bigint,
    due          timestamptz,
    start_tag    bigint,
    changed_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    expires_at   timestamptz,
    responded_at timestamptz,
    contact      text,
    server       text,
    message_id   text,
    reason       text,
    locale       text,
    accepted_at  timestamptz,
    accepted_us  integer,
    segments     smallint,
    accepted_code text,
    accepted_detail text,
    CONSTRAINT invitations_pkey PRIMARY KEY (group_id, number),
    CONSTRAINT invitations_contact_check
        CHECK ((channel IS NULL) = (contact IS NULL) AND (channel IS NULL) = (delivery IS NULL)),
    CONSTRAINT invitations_due_check
        CHECK (due IS NULL OR delivery IN ('queued', 'sending'))
) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE group_api_private.invitations IS 'internal: one offer to one member, and the queue of what is to be sent';
COMMENT ON COLUMN group_api_private.invitations.due IS 'when the message is to be tried next; null: not waiting';
COMMENT ON COLUMN group_api_private.invitations.start_tag IS 'the place in the queue of its channel, shared among leaders; null: given when it is due';
COMMENT ON COLUMN group_api_private.invitations.incarnation IS 'the dispatcher that took the row; an older one is dead';
COMMENT ON COLUMN group_api_private.invitations.link_version IS 'part of the link''s token: a new version ends all older links; the first one depends on the server''s timeline';
COMMENT ON COLUMN group_api_private.invitations.reminders IS 'reminders queued since the link was made';
COMMENT ON COLUMN group_api_private.invitations.contact_since IS 'the link''s version from which the contact is this one: what is proved by an older one is about another contact';
COMMENT ON COLUMN group_api_private.invitations.refusals IS 'refusals after which the message was put off, since it was not known whom they blame';
COMMENT ON COLUMN group_api_private.invitations.pauses IS 'how often this message alone paused its provider; it is set aside the next time';
COMMENT ON COLUMN group_api_private.invitations.crashes IS 'couriers that died in a row having taken the message up: it is tried alone, and set aside at the third';
COMMENT ON COLUMN group_api_private.invitations.locale IS 'the member''s own language where the user directory knows it';
COMMENT ON COLUMN group_api_private.invitations.accepted_at IS 'when the try began that the provider accepted, the first one: it has no row in attempts; null: there is none, or it stands there';
COMMENT ON COLUMN group_api_private.invitations.accepted_us IS 'how long that try took, in microseconds';
COMMENT ON COLUMN group_api_private.invitations.segments IS 'of that try, where it was an SMS';
COMMENT ON COLUMN group_api_private.invitations.accepted_code IS 'of that try';
COMMENT ON COLUMN group_api_private.invitations.accepted_detail IS 'of that try';
CREATE INDEX invitations_start_tag ON group_api_private.invitations (channel, start_tag, group_id, number) WHERE due IS NOT NULL;
CREATE INDEX invitations_due ON group_api_private.invitations (due, group_id, number) WHERE due IS NOT NULL AND start_tag IS NULL;
CREATE INDEX invitations_accepted_at ON group_api_private.invitations (accepted_at) WHERE accepted_at IS NOT NULL;

CREATE TABLE group_api_private.attempts (
    group_id    uuid NOT NULL,
    member      integer NOT NULL,
    attempt     smallint NOT NULL,
    segments    smallint,
    outcome     text NOT NULL,
    server      name,
    started_at  timestamptz NOT NULL,
    elapsed     interval NOT NULL,
    next_at     timestamptz,
    code        text,
    detail      text,
    CONSTRAINT attempts_outcome_check CHECK
        (outcome IN ('accepted', 'rejected', 'retry', 'misconfigured', 'uncertain'))
);
ALTER TABLE group_api_private.attempts REPLICA IDENTITY FULL;
COMMENT ON TABLE group_api_private.attempts IS 'internal: every try to deliver, kept for group_api.attempts_retention';
CREATE INDEX attempts_invitation ON group_api_private.attempts (group_id, member);
CREATE INDEX attempts_started_at ON group_api_private.attempts USING brin (started_at);

CREATE TABLE group_api_private.captured (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    captured_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    group_id    uuid NOT NULL,
    member      integer NOT NULL,
    server      name NOT NULL,
    channel     group_api.channel NOT NULL,
    recipient   text NOT NULL,
    message     text NOT NULL,
    CONSTRAINT captured_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE group_api_private.captured IS 'internal: what capture providers kept instead of sending; never dumped';

-- What providers and mail servers said later.  Forged ones are only counted:
-- keeping them would let strangers fill the disk.
CREATE TABLE group_api_private.receipts (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    received_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    way         text NOT NULL,
    server      name,
    result      text NOT NULL,
    group_id    uuid,
    member      integer,
    status      text,
    code        text,
    message_id  text,
    digest      bytea NOT NULL,
    raw         bytea,
    CONSTRAINT receipts_pkey PRIMARY KEY (id),
    CONSTRAINT receipts_digest_key UNIQUE (digest),
    CONSTRAINT receipts_way_check CHECK (way IN ('callback', 'poll', 'bounce')),
    CONSTRAINT receipts_result_check CHECK (result IN ('moved', 'known', 'unknown', 'ignored', 'stale'))
);
COMMENT ON TABLE group_api_private.receipts IS 'internal: raw events about messages, kept for group_api.receipts_retention';
COMMENT ON COLUMN group_api_private.receipts.digest IS 'SHA-256 of the event: the same one again is a replay';
CREATE INDEX receipts_received_at ON group_api_private.receipts USING brin (received_at);
CREATE INDEX receipts_invitation ON group_api_private.receipts (group_id, member);

-- Several rows may count the same: see store/queue/receipt_count_store.
CREATE TABLE group_api_private.receipt_counts (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    day         date NOT NULL,
    server      name NOT NULL,
    result      text NOT NULL,
    receipts    bigint NOT NULL,
    CONSTRAINT receipt_counts_pkey PRIMARY KEY (id)
);
CREATE INDEX receipt_counts_day ON group_api_private.receipt_counts (day, server, result);
COMMENT ON TABLE group_api_private.receipt_counts IS 'internal: how many receipts of each kind came, refused ones included';

CREATE TABLE group_api_private.polls (
    group_id    uuid NOT NULL,
    number      integer NOT NULL,
    link_version smallint NOT NULL,
    tries       smallint NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL,
    server      name NOT NULL,
    message_id  text NOT NULL,
    crashes     smallint NOT NULL DEFAULT 0,
    CONSTRAINT polls_pkey PRIMARY KEY (group_id, number)
);
COMMENT ON TABLE group_api_private.polls IS 'internal: messages whose state the dispatcher asks the provider for';
COMMENT ON COLUMN group_api_private.polls.crashes IS 'couriers that died while they asked: the question is asked alone, and no more at the third';
CREATE INDEX polls_next_at ON group_api_private.polls (next_at, group_id, number);

-- Contacts stand here as salted hashes only.
CREATE TABLE group_api_private.suppressions (
    contact_hash bytea NOT NULL,
    channel     group_api.channel NOT NULL,
    reason      group_api.suppression NOT NULL,
    since       timestamptz NOT NULL DEFAULT pg_catalog.now(),
    server      name,
    code        text,
    evidence    text,
    receipt     bigint,
    CONSTRAINT suppressions_pkey PRIMARY KEY (contact_hash)
);
COMMENT ON TABLE group_api_private.suppressions IS 'internal: contacts that get nothing more, by salted hash';
COMMENT ON COLUMN group_api_private.suppressions.evidence IS 'what it rests on, in words that hold no contact';
COMMENT ON COLUMN group_api_private.suppressions.receipt IS 'the id of the event in receipts, while that is kept';

CREATE TABLE group_api_private.suppression_salt (
    singleton   boolean NOT NULL DEFAULT true,
    salt        bytea NOT NULL,
    CONSTRAINT suppression_salt_pkey PRIMARY KEY (singleton),
    CONSTRAINT suppression_salt_singleton_check CHECK (singleton)
);
COMMENT ON TABLE group_api_private.suppression_salt IS 'internal: salt of the hashed contacts; dumped with them';

-- The dispatcher adds rows and changes none; without a unique index it waits for nobody.
CREATE TABLE group_api_private.sends (
    key         bigint NOT NULL,
    leader      bigint NOT NULL,
    message     bigint NOT NULL,
    at          timestamptz NOT NULL
);
ALTER TABLE group_api_private.sends REPLICA IDENTITY FULL;
COMMENT ON TABLE group_api_private.sends IS 'internal: what counts against the daily caps and cool-downs, for two days';
COMMENT ON COLUMN group_api_private.sends.key IS 'a salted hash of the contact, or of the leader';
COMMENT ON COLUMN group_api_private.sends.message IS 'a hash of group, member and version of the link: a retry counts once';
COMMENT ON COLUMN group_api_private.sends.at IS 'when it left, or is to leave after a cool-down';
CREATE INDEX sends_key ON group_api_private.sends (key);
CREATE INDEX sends_at ON group_api_private.sends USING brin (at);

-- A caller has several rows a day where several of its transactions run at once.
CREATE TABLE group_api_private.usage (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    user_id     bigint NOT NULL,
    day         date NOT NULL,
    groups      bigint NOT NULL,
    picture_bytes bigint NOT NULL,
    CONSTRAINT usage_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE group_api_private.usage IS 'internal: what counted today against the caps of callers';
CREATE INDEX usage_user_id ON group_api_private.usage (user_id, day);

CREATE TABLE group_api_private.resends (
    contact_hash bytea NOT NULL,
    at          timestamptz NOT NULL,
    CONSTRAINT resends_pkey PRIMARY KEY (contact_hash)
);
COMMENT ON TABLE group_api_private.resends IS 'internal: when a contact was resent an invitation last';

CREATE TABLE group_api_private.templates (
    channel     group_api.channel NOT NULL,
    locale      text NOT NULL,
    subject     text,
    body        text NOT NULL,
    html        text,
    changed_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT templates_pkey PRIMARY KEY (channel, locale),
    CONSTRAINT templates_parts_check CHECK ((channel = 'EMAIL') = (subject IS NOT NULL)
                                            AND (channel = 'EMAIL' OR html IS NULL))
);
COMMENT ON TABLE group_api_private.templates IS 'internal: an operator''s words instead of the built-in ones';
COMMENT ON COLUMN group_api_private.templates.body IS 'the SMS, or the mail''s plain text';

CREATE TABLE group_api_private.idempotency_keys (
    user_id     bigint NOT NULL,
    contract    "char" NOT NULL,
    key         text NOT NULL,
    body_hash   bytea NOT NULL,
    group_id    uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, contract, key)
);
CREATE INDEX idempotency_keys_group_id ON group_api_private.idempotency_keys (group_id);
COMMENT ON TABLE group_api_private.idempotency_keys IS 'internal: which group a caller''s key made; a key counts for 24 hours';

CREATE TABLE group_api_private.pauses (
    server      name NOT NULL,
    by_dispatcher boolean NOT NULL,
    since       timestamptz NOT NULL DEFAULT pg_catalog.now(),
    fingerprint text,
    reason      text NOT NULL,
    until       timestamptz,
    CONSTRAINT pauses_pkey PRIMARY KEY (server)
);
COMMENT ON TABLE group_api_private.pauses IS 'internal: providers that get nothing until resumed, or (by_dispatcher) until their options change';
COMMENT ON COLUMN group_api_private.pauses.until IS 'when a rest ends that the provider asked for; null: a pause, which does not end by itself';

-- Events: one row what happened, and one for each listener that is to have it.  Their
-- group may be gone when they are heard, so none of their columns leads there.
CREATE TABLE group_api_private.consumers (
    name        text NOT NULL,
    types       integer NOT NULL,
    contacts    boolean NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    role        name,
    role_oid    oid,
    role_cluster bigint,
    CONSTRAINT consumers_pkey PRIMARY KEY (name),
    CONSTRAINT consumers_role_check CHECK ((role IS NULL) = (role_oid IS NULL) AND (role IS NULL) = (role_cluster IS NULL))
);
COMMENT ON TABLE group_api_private.consumers IS 'internal: who asks for events by next_events()';
COMMENT ON COLUMN group_api_private.consumers.types IS 'the events it wants, a bit each (base/shared/event_type)';
COMMENT ON COLUMN group_api_private.consumers.role IS 'whose events these are, as it was called; null: whoever may call next_events()';
COMMENT ON COLUMN group_api_private.consumers.role_oid IS 'that role in the cluster role_cluster';
COMMENT ON COLUMN group_api_private.consumers.role_cluster IS 'the system identifier of the cluster in which role_oid counts; in another one the name does';

CREATE TABLE group_api_private.events (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    uid         uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    at          timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    type        text NOT NULL,
    about_group uuid,
    group_number bigint,
    product_id  uuid,
    user_id     bigint,
    member      integer,
    delivery    group_api.delivery,
    response    group_api.response,
    channel     group_api.channel,
    server      name,
    group_name  text,
    member_name text,
    reason      text,
    user_subject text,
    contact     text,
    contact_for text[],
    CONSTRAINT events_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE group_api_private.events IS 'internal: what happened, as it was at that moment, kept for group_api.events_retention';
COMMENT ON COLUMN group_api_private.events.uid IS 'names the event everywhere; the same for every try to tell it';
COMMENT ON COLUMN group_api_private.events.contact_for IS 'the listeners that were to have the contact when it happened; null: none, and neither "contact" nor "reason" holds it';
CREATE INDEX events_at ON group_api_private.events USING brin (at);

CREATE TABLE group_api_private.event_deliveries (
    event       bigint NOT NULL,
    listener    text NOT NULL,
    due         timestamptz NOT NULL DEFAULT '-infinity',
    tries       smallint NOT NULL DEFAULT 0,
    crashes     smallint NOT NULL DEFAULT 0,
    failed      text,
    tried_since timestamptz,
    CONSTRAINT event_deliveries_pkey PRIMARY KEY (event, listener)
);
COMMENT ON TABLE group_api_private.event_deliveries IS 'internal: events that a listener is still to have';
COMMENT ON COLUMN group_api_private.event_deliveries.due IS 'when it is to be told, -infinity: at once, infinity: not any more';
COMMENT ON COLUMN group_api_private.event_deliveries.crashes IS 'couriers that died while they told it: it is told alone, and not any more at the third';
COMMENT ON COLUMN group_api_private.event_deliveries.failed IS 'why it was not taken at the last try';
COMMENT ON COLUMN group_api_private.event_deliveries.tried_since IS 'when it was tried first since it happened, was replayed, or its webhook was resumed; null: not yet';
CREATE INDEX event_deliveries_due ON group_api_private.event_deliveries (listener, due, event);

-- A restored or cloned database must stay silent: the identity is dumped with
-- the data and no longer fits.  The key of the links is never dumped, so a
-- restore into the very same database is told by its digest.  Groups without this
-- row are foreign.  Both rows are made with the first group or receipt_url(): a template has none
-- to give away.
CREATE TABLE group_api_private.installation (
    singleton         boolean NOT NULL DEFAULT true,
    system_identifier bigint NOT NULL,
    database_oid      oid NOT NULL,
    secret_digest     bytea NOT NULL,
    salt_digest       bytea NOT NULL,
    moved_from        bigint,
    reminder_before   integer NOT NULL DEFAULT 0,
    shard             integer NOT NULL DEFAULT 0,
    CONSTRAINT installation_pkey PRIMARY KEY (singleton),
    CONSTRAINT installation_singleton_check CHECK (singleton)
);
COMMENT ON TABLE group_api_private.installation IS 'internal: the cluster and database whose dispatcher may send';
COMMENT ON COLUMN group_api_private.installation.database_oid IS 'zero once the data were seen in a cluster that is not theirs';
COMMENT ON COLUMN group_api_private.installation.secret_digest IS 'SHA-256 of the key of the links, which is not dumped';
COMMENT ON COLUMN group_api_private.installation.salt_digest IS 'SHA-256 of the salt of the suppression list';
COMMENT ON COLUMN group_api_private.installation.moved_from IS 'the system identifier of the cluster that pg_upgrade took the data from';
COMMENT ON COLUMN group_api_private.installation.shard IS 'the number in the ids of groups, in their numbers and links; 0 to 1023';
COMMENT ON COLUMN group_api_private.installation.reminder_before IS 'the setting in minutes that groups.next_deadline follows';

CREATE TABLE group_api_private.link_secret (
    singleton   boolean NOT NULL DEFAULT true,
    secret      bytea NOT NULL,
    CONSTRAINT link_secret_pkey PRIMARY KEY (singleton),
    CONSTRAINT link_secret_singleton_check CHECK (singleton),
    CONSTRAINT link_secret_length_check CHECK (pg_catalog.octet_length(secret) = 32)
);
COMMENT ON TABLE group_api_private.link_secret IS 'internal: the key from which the links'' tokens are derived; granted to nobody';

CREATE SEQUENCE group_api_private.incarnations AS bigint;
COMMENT ON SEQUENCE group_api_private.incarnations IS 'internal: numbers the lives of the dispatcher';

-- Rows at which a step of the dispatcher failed, so that the others go on without
-- them; of this moment, so it is not dumped.
CREATE TABLE group_api_private.set_aside (
    group_id    uuid NOT NULL,
    number      integer NOT NULL,
    step        text NOT NULL,
    since       timestamptz NOT NULL DEFAULT pg_catalog.now(),
    until       timestamptz NOT NULL,
    tries       integer NOT NULL DEFAULT 1,
    reason      text NOT NULL,
    CONSTRAINT set_aside_pkey PRIMARY KEY (group_id, number, step),
    CONSTRAINT set_aside_step_check CHECK (step IN ('claim', 'record', 'deadline', 'place', 'poll', 'take back', 'trim', 'send', 'read'))
);
COMMENT ON TABLE group_api_private.set_aside IS 'internal: rows at which a step of the dispatcher failed';
COMMENT ON COLUMN group_api_private.set_aside.number IS 'the member; 0: the group itself';
COMMENT ON COLUMN group_api_private.set_aside.until IS 'when the step tries the row again; infinity (send): when retry_failed() says so';

SELECT pg_catalog.pg_extension_config_dump('group_api_private.users', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.groups', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.members', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.requests', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.pictures', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.invitations', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.attempts', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.receipts', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.receipt_counts', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.polls', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.suppressions', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.suppression_salt', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.sends', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.resends', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.usage', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.usage_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.templates', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.idempotency_keys', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.pauses', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.consumers', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.events', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.events_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.event_deliveries', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.installation', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.incarnations', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.users_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.groups_number_seq', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.receipts_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('group_api_private.receipt_counts_id_seq', '');

-- Row security is forced on every table.  Nobody but the owner holds a right to
-- write; whoever grant_access() lets read, reads all rows.  VACUUM gives no space
-- back: for that it locks a table exclusively, and lets go only when it sees that
-- somebody waits, which the dispatcher does not.
DO $$
DECLARE
    relation pg_catalog.text;
BEGIN
    FOREACH relation IN ARRAY ARRAY['users', 'groups', 'members', 'requests', 'pictures', 'invitations', 'attempts',
                                    'captured', 'receipts', 'receipt_counts', 'polls', 'suppressions',
                                    'suppression_salt', 'sends', 'resends', 'templates', 'usage',
                                    'idempotency_keys', 'pauses', 'installation', 'link_secret',
                                    'set_aside', 'consumers', 'events', 'event_deliveries'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE group_api_private.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, '
                                  'SET (vacuum_truncate = off)', relation);
    END LOOP;
    FOREACH relation IN ARRAY ARRAY['users', 'groups', 'members', 'requests', 'invitations', 'attempts', 'captured', 'pauses',
                                    'receipts', 'receipt_counts', 'polls', 'suppressions', 'templates', 'set_aside',
                                    'consumers', 'events', 'event_deliveries'] LOOP
        EXECUTE pg_catalog.format('CREATE POLICY %I ON group_api_private.%I FOR SELECT USING (true)', relation || '_read', relation);
    END LOOP;
END
$$;

-- Triggers ------------------------------------------------------------------

CREATE FUNCTION group_api_private.wake() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'group_api_wake_trigger';
COMMENT ON FUNCTION group_api_private.wake() IS 'internal: wakes the dispatcher at commit, also for rows written by hand';

CREATE TRIGGER invitations_wake AFTER INSERT ON group_api_private.invitations
    FOR EACH STATEMENT EXECUTE FUNCTION group_api_private.wake();

CREATE FUNCTION group_api_private.groups_cascade() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- First and in order, as whoever writes the other tables does.
    PERFORM FROM group_api_private.invitations i JOIN gone ON i.group_id = gone.id
     ORDER BY i.group_id, i.number FOR UPDATE OF i;
    DELETE FROM group_api_private.invitations i USING gone WHERE i.group_id = gone.id;
    DELETE FROM group_api_private.attempts a USING gone WHERE a.group_id = gone.id;
    DELETE FROM group_api_private.captured c USING gone WHERE c.group_id = gone.id;
    DELETE FROM group_api_private.receipts r USING gone WHERE r.group_id = gone.id;
    DELETE FROM group_api_private.polls p USING gone WHERE p.group_id = gone.id;
    DELETE FROM group_api_private.set_aside s USING gone WHERE s.group_id = gone.id;
    DELETE FROM group_api_private.idempotency_keys k USING gone WHERE k.group_id = gone.id;
    DELETE FROM group_api_private.requests q USING gone WHERE q.group_id = gone.id;
    DELETE FROM group_api_private.pictures p USING gone WHERE p.group_id = gone.id;
    DELETE FROM group_api_private.members m USING gone WHERE m.group_id = gone.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION group_api_private.groups_cascade() IS 'internal: takes a deleted group''s children with it';

CREATE TRIGGER groups_cascade AFTER DELETE ON group_api_private.groups
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
    EXECUTE FUNCTION group_api_private.groups_cascade();

-- A dump that is restored over groups, or a subscription to a database in use, brings the row that
-- says whose data it brings.  It would be refused as the double of the one that is there, while its
-- groups go in and are sent.  Not in C: the library may be newer than the extension here.
CREATE FUNCTION group_api_private.copied_over() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What adopt() and the first group write bears this cluster and database.
    IF NEW.system_identifier = (SELECT c.system_identifier FROM pg_control_system() c)
       AND NEW.database_oid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) THEN
        RETURN NEW;
    END IF;
    -- The suppression list that comes along is of a salt that is refused as well.
    UPDATE group_api_private.installation SET database_oid = 0, salt_digest = NEW.salt_digest;
    IF NOT FOUND THEN
        RETURN NEW;
    END IF;
    PERFORM group_api_private.start();
    RAISE NOTICE 'data of another database were copied into this one, which sends nothing from now on'
        USING HINT = 'See what would be sent: SELECT group_api.adopt(dry_run => true).';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION group_api_private.copied_over() IS 'internal: disowns the data where those of another database are copied over them';

CREATE TRIGGER installation_copied_over BEFORE INSERT ON group_api_private.installation
    FOR EACH ROW EXECUTE FUNCTION group_api_private.copied_over();
-- What a subscription applies fires no other.
ALTER TABLE group_api_private.installation ENABLE ALWAYS TRIGGER installation_copied_over;

-- Small helpers -------------------------------------------------------------

CREATE FUNCTION group_api_private.slug(name text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(nullif(trim(BOTH '-' FROM
        regexp_replace(
            lower(regexp_replace(normalize(name, NFKD), '[\u0300-\u036f]', '', 'g')),
            '[^[:alnum:]]+', '-', 'g')), ''), 'group')
$$;
COMMENT ON FUNCTION group_api_private.slug(text) IS 'internal: a name as part of an address: lower case, unaccented, words joined by -';

CREATE FUNCTION group_api.sms_segments(message text) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'group_api_sms_segments';
COMMENT ON FUNCTION group_api.sms_segments(text) IS
'Tells how many SMS segments a text takes.

These are: 160 septets alone or 153 a part in GSM-7, 70 or 67 UTF-16 units otherwise (3GPP TS 23.038, 23.040).';

-- Contract A ----------------------------------------------------------------

CREATE FUNCTION group_api.create_group(jsonb) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_create_group';
COMMENT ON FUNCTION group_api.create_group(jsonb) IS
$$Creates a group with its members and invites them (contract A, POST /group/create).

Body: {productId GUID, name, description, image URL, message, [sendInvitations true],
members [{nickName, contact {type MOBILE|EMAIL, value}}], [dryRun false]}.
Answer: {error {code, message}, group {id, name, image, createdAt, status, product {id},
members [{name, profilePicture, isLeader, delivery {status, reason, at}}]}}.
The caller is the leader and comes first.  A dry run checks everything, writes nothing
and answers with the nil GUID and preview, the messages that would be sent, as
preview_invitation() does; so does a call with the header Prefer: tx=rollback.  Errors: all faults of a request at once; in
SQL as 22023, 54000, 28000 with the list as JSON in DETAIL, over HTTP in the envelope
with status 400 or 401 (docs/errors.md).$$;

CREATE FUNCTION group_api.create_group(text) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_create_group';
COMMENT ON FUNCTION group_api.create_group(text) IS
$$Creates a group from a body as it came (contract A): JSON, or a form of either kind.

Whatever it was declared to be, it is told by how it begins.  What cannot be read is an
error like any other: SQLSTATE 22023, over HTTP the envelope with status 400.  In a form lists are written members[0][nickName]=Ann or members[].
All else as create_group(jsonb).$$;

-- The bytes of a body may be no text at all: a form with a file in it.
CREATE FUNCTION group_api.create_group(bytea) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_create_group';
COMMENT ON FUNCTION group_api.create_group(bytea) IS
$$Creates a group from the bytes of a body (contract A): JSON or a form, also multipart.

All else as create_group(text).$$;

-- For json, which PostgreSQL casts to jsonb only when told. Of two parameters, since PostgREST
-- before 14 takes a function of one parameter of type json for another form of that of jsonb.
CREATE FUNCTION group_api.create_group(body json, idempotency_key text DEFAULT NULL) RETURNS json
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
    SELECT group_api.create_group(CASE WHEN idempotency_key IS NULL THEN body::text
        ELSE (body::jsonb || jsonb_build_object('idempotencyKey', idempotency_key))::text END)
$$;
COMMENT ON FUNCTION group_api.create_group(json, text) IS
$$Creates a group from a body of type json (contract A).

What json_build_object() makes, and a driver's parameter of type json (psycopg's Json).
idempotency_key stands for the body's field idempotencyKey.  All else as create_group(jsonb).$$;

CREATE FUNCTION group_api.get_group(id uuid) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_get_group';
COMMENT ON FUNCTION group_api.get_group(uuid) IS
$$Shows one group of contract A as it is by now.

The envelope of contract A for one group, amended: each member's delivery as it is
known by now, and the response once the person has answered.  A delivery's reason is told to
the leader and operators, why a contact is suppressed to operators; of contract B's users the
delivery is told to operators alone.
Allowed to the group's leader and members and to operators; of a group of contract B to
its manager and operators.  Error: P0002 (HTTP 404).$$;

CREATE FUNCTION group_api.load_group(jsonb) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_load_group';
COMMENT ON FUNCTION group_api.load_group(jsonb) IS
$$Shows one group of contract A, to its members whole (POST /group/load).

Body: {groupId GUID}.  Answer: as get_group(uuid).  While group_api.anonymous_load is on,
whoever else knows the id, signed in or not, is told a part: the group and of its members
the leader alone, without any delivery or response.  Errors: 22023 (400), P0002 (404);
28000 (401) for who is not signed in while the setting is off.$$;

CREATE FUNCTION group_api.list_groups("limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_list_groups';
COMMENT ON FUNCTION group_api.list_groups(integer, integer) IS
$$Lists the groups of contract A that the caller leads or has joined.

A page, newest first (GET /groups): {error, count, next, previous, groups [{id, name, image,
createdAt, status, product {id}, memberCount, members}]}; members are the leader and the
caller, memberCount says how many there are.  limit is 10 unless given, at most 100.
Error: 28000 (401).$$;

CREATE FUNCTION group_api.add_members(jsonb) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_add_members';
COMMENT ON FUNCTION group_api.add_members(jsonb) IS
$$Adds members to a group of contract A and invites them (POST /group/{id}/members).

Body: {groupId GUID, members [{nickName, contact {type MOBILE|EMAIL, value}}],
[sendInvitations true], [idempotencyKey], [dryRun false]}; over HTTP the address says the
group, and groupId may be left out.  Answer: the group with all its members, as create_group()
answers it, with the preview of the new ones' messages where that has one.  A contact that a
member of the group has already is a fault, and so are more members than
group_api.max_members in all.
Allowed to the group's leader and to operators.  Errors: those of create_group(jsonb), P0002
(404), 42501 (403), 55000 (409) for an archived group or one of users (contract B).$$;

CREATE FUNCTION group_api.send_invitations(id uuid) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_send_invitations';
COMMENT ON FUNCTION group_api.send_invitations(uuid) IS
$$Sends the invitations of a group that were held back.

Sends what create_group held back because of "sendInvitations": false; answers the
amended envelope.  Calling it again sends nothing twice.
Allowed to the group's leader and to operators.  Errors: P0002 (404), 55000 (409) for
an archived group.$$;

CREATE FUNCTION group_api.resend_invitation(id uuid, number integer) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_resend_invitation';
COMMENT ON FUNCTION group_api.resend_invitation(uuid, integer) IS
$$Sends one invitation again under a new link.

Sends one member's invitation again under a new link, which ends all older ones, also
after it expired, was declined or revoked; tries and expiry count from now.  "number" is the member's
place in the group (the leader is 1).  Answers the amended envelope.
Allowed to the group's leader and to operators.  Errors: P0002 (404), 42501 (403), 55000 (409)
accepted before, being sent or the group is archived, 53400 (429 with Retry-After) sooner
than group_api.resend_cooldown after the last resend to the same contact, 22023 (400) for a
number of a country that is none of group_api.mobile_countries.  A manager's resend
to a user of the directory (contract B) is never refused for these: it waits, or nothing is sent.$$;

CREATE FUNCTION group_api.revoke_invitation(id uuid, number integer) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_revoke_invitation';
COMMENT ON FUNCTION group_api.revoke_invitation(uuid, integer) IS
$$Withdraws one invitation.

Withdraws one member's open invitation: its link can no longer be answered, and what is not
sent yet is canceled.  Answers the amended envelope; revoking twice is no error.
Of an invitation that was accepted without an account, while no user has claimed the place, only the
link ends: nobody can claim the place by it any more; it stays accepted.
Allowed to the group's leader and to operators.  Errors: P0002 (404), 42501 (403), 55000 (409)
declined before, or accepted by a user.$$;

CREATE FUNCTION group_api.archive_group(id uuid) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_archive_group';
COMMENT ON FUNCTION group_api.archive_group(uuid) IS
$$Archives a group of contract A.

Archives a group: open invitations are revoked, what is not sent yet is canceled; members
stay.  Answers the amended envelope; archiving twice is no error.
Allowed to the group's leader and to operators.  Errors: P0002 (404), 42501 (403).$$;

CREATE FUNCTION group_api.delete_group(id uuid) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_delete_group';
COMMENT ON FUNCTION group_api.delete_group(uuid) IS
$$Deletes a group of contract A.

Deletes a group with its members, invitations and their history; nothing unsent leaves any
more, and its links are unknown from then on.  Answers {error {code 0}, group {}}.
Allowed to the group's leader and to operators.  Errors: P0002 (404), 42501 (403).$$;

CREATE FUNCTION group_api.preview_invitation(id uuid, number integer DEFAULT NULL, locale text DEFAULT NULL)
    RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_preview_invitation';
COMMENT ON FUNCTION group_api.preview_invitation(uuid, integer, text) IS
$$Shows the messages of a group and sends nothing.

Shows what a group's members are sent, to the byte, and sends nothing: the message of
member number, or those of all who may still get one; in their language, or in locale.
Answer: {error, preview {note, messages [{number, member, channel, to, locale, subject,
text, html, segments, encoding GSM-7|UCS-2, characters, bytes}], shown, total, totals
{messages, sms, segments, emails}}}.  At most 100 are shown, the totals count all;
segments and encoding are of an SMS, characters of the text, bytes of all the words.
Only the links' tokens are dummies, of the same length.  Of users of the directory (contract
B) only operators see how they are written to: for others channel, to, segments and the totals
by channel are null, and the message is a mail in the group's language.
Allowed to the group's leader and to operators.  Errors: P0002 (404) for an unknown
group or a member that gets no message, 42501 (403) for other members, 55000 (409) for
an archived group, 22023 (400) for a locale that names no language.$$;

-- Contract B ----------------------------------------------------------------

CREATE FUNCTION group_api_v2.create_group(jsonb) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_create_group';
COMMENT ON FUNCTION group_api_v2.create_group(jsonb) IS
$$Creates a group and invites users (contract B, POST /api/v2/group/).

Body: {name, [description], [color], [privacy public|private], [visible], [invite_users
[integer]], [image_original URL], [emotional_image_original URL], [dry_run false]}; a URL
may be a data URL with a PNG, JPEG, GIF or WebP of at most 5 MB, which is kept here.
Answer: the Group object.  Invited users whose e-mail address or mobile number stands in
the user directory get an invitation there too, in the language that stands there.  A dry
run checks everything, writes nothing and answers with the id 0, no slug, and preview as
group_api.preview_invitation() does.
Errors: SQL 22023, 23505 (the name is taken), 28000 with the list as JSON in DETAIL;
over HTTP {"errors": [{field, messages [{code, message}]}]} with status 400 or 401.$$;

CREATE FUNCTION group_api_v2.create_group(text) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_create_group';
COMMENT ON FUNCTION group_api_v2.create_group(text) IS
$$Creates a group from a body as it came (contract B): JSON, or a form of either kind.

Whatever it was declared to be, it is told by how it begins.  What cannot be read is an
error like any other: SQLSTATE 22023, over HTTP {"errors": [...]} with status 400.  In a form lists are written invite_users[0]=12, invite_users[]=12 or invite_users=12,
once for each.  All else as create_group(jsonb).$$;

CREATE FUNCTION group_api_v2.create_group(bytea) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_create_group';
COMMENT ON FUNCTION group_api_v2.create_group(bytea) IS
$$Creates a group from the bytes of a body (contract B): JSON or a form, also multipart.

A file in it is a picture: see picture(uuid).
All else as create_group(text).$$;

CREATE FUNCTION group_api_v2.create_group(body json, idempotency_key text DEFAULT NULL) RETURNS json
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
    SELECT group_api_v2.create_group(CASE WHEN idempotency_key IS NULL THEN body::text
        ELSE (body::jsonb || jsonb_build_object('idempotencyKey', idempotency_key))::text END)
$$;
COMMENT ON FUNCTION group_api_v2.create_group(json, text) IS
$$Creates a group from a body of type json (contract B).

What json_build_object() makes, and a driver's parameter of type json (psycopg's Json).
idempotency_key stands for the body's field idempotencyKey.  All else as create_group(jsonb).$$;

CREATE FUNCTION group_api_v2.get_group(id bigint) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_get_group';
COMMENT ON FUNCTION group_api_v2.get_group(bigint) IS
$$Shows one group of contract B.

The Group object (GET /api/v2/group/{id}/).  A hidden group is there for its members, for
invited users and operators.  Nobody has to be logged in while group_api.content_availability
is on.  Errors: P0002 (404), 28000 (401).$$;

CREATE FUNCTION group_api_v2.list_groups("limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL, search text DEFAULT NULL) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_list_groups';
COMMENT ON FUNCTION group_api_v2.list_groups(integer, integer, text) IS
$$Lists the groups the caller is subscribed to.

A page of the groups the caller is subscribed to, newest first (GET /api/v2/group/): {count,
next, previous, results [Group]}.  limit is 10 unless given, at most 100.  search: those whose
name holds the text.  Errors: 28000 (401), 22023 (400) for a parameter of the query that is not
known.$$;

CREATE FUNCTION group_api_v2.list_invitations("limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL, search text DEFAULT NULL) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_list_invitations';
COMMENT ON FUNCTION group_api_v2.list_invitations(integer, integer, text) IS
$$Lists the groups that wait for the caller's answer.

A page of the groups with an open invitation for the caller, hidden ones too, newest first (GET
/api/v2/group/invite/): {count, next, previous, results [Group]}.  subscribe() accepts one,
unsubscribe() declines it.  Groups that are archived and invitations that have expired are not
there.  Error: 28000 (401).$$;

CREATE FUNCTION group_api_v2.search_groups(search text DEFAULT NULL, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_search_groups';
COMMENT ON FUNCTION group_api_v2.search_groups(text, integer, integer) IS
$$Finds groups by their names.

A page of the groups whose name holds the text, newest first (GET /api/v2/group/search/):
visible ones, and hidden ones the caller belongs or is invited to.  Error: 28000 (401) for
nobody when group_api.content_availability is off.$$;

CREATE FUNCTION group_api_v2.user_groups(user_id bigint, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL, search text DEFAULT NULL) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_user_groups';
COMMENT ON FUNCTION group_api_v2.user_groups(bigint, integer, integer, text) IS
$$Lists the groups a user is subscribed to.

A page of the groups a user is subscribed to (GET /api/v2/user/{id}/groups/): all of the
caller's own; of others the public visible ones and those the caller belongs to as well.
search: those whose name holds the text.  Errors: P0002 (404) for an unknown user, 28000 (401)
as search_groups().$$;

CREATE FUNCTION group_api_v2.get_user(user_id bigint) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_get_user';
COMMENT ON FUNCTION group_api_v2.get_user(bigint) IS
$$Shows a user.

The User object (GET /api/v2/user/{id}/), as lists have it: names, no addresses.  For users only,
as ids are counted up, and whoever asked for each would have the directory.  Errors: P0002
(404) for an unknown user, 28000 (401).$$;

CREATE FUNCTION group_api_v2.get_me() RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_get_me';
COMMENT ON FUNCTION group_api_v2.get_me() IS
$$Shows the caller to themselves.

The User object (GET /api/v2/user/me/) with email and permission, see get_permission().  Enters
the caller into the directory, unless the transaction may only read: then P0002 (404) for who is
not in it.  Error: 28000 (401).$$;

CREATE FUNCTION group_api_v2.get_permission() RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_get_permission';
COMMENT ON FUNCTION group_api_v2.get_permission() IS
$$Tells what the caller may do.

{create_group} (GET /api/v2/user/me/permission/), by group_api.group_creators; what else the API's
client knows of permissions is false.  Error: 28000 (401).$$;

CREATE FUNCTION group_api_v2.get_avatar() RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_get_avatar';
COMMENT ON FUNCTION group_api_v2.get_avatar() IS
$$Tells the caller's picture.

{avatar}: its URL (GET /api/v2/user/me/avatar/); where there is none group_api.default_avatar_url.
Error: 28000 (401).$$;

CREATE FUNCTION group_api_v2.put_group(jsonb) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_put_group';
COMMENT ON FUNCTION group_api_v2.put_group(jsonb) IS
$$Changes the group of the header X-Group-Id (PUT /api/v2/group/{id}/).

Body: {name, [description], [color], [privacy], [visible], [image_original],
[emotional_image_original], [emotional_image_position]};
the name is needed, what is absent stays.  The slug stays.  Answer: the
Group object.  Over HTTP the id stands in the header X-Group-Id.
Allowed to the group's manager and to operators.  Errors: 22023, 23505 (the name is taken),
55000 (a private group becomes public; archived), 400 all; 28000 (401), 42501 (403), P0002 (404).$$;

CREATE FUNCTION group_api_v2.put_group(id bigint, body jsonb) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_put_group';
COMMENT ON FUNCTION group_api_v2.put_group(bigint, jsonb) IS
$$The same for callers in SQL: see put_group(jsonb).$$;

CREATE FUNCTION group_api_v2.patch_group(jsonb) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_patch_group';
COMMENT ON FUNCTION group_api_v2.patch_group(jsonb) IS
$$Changes the group of the header X-Group-Id (PATCH /api/v2/group/{id}/).

Body: {name, [description], [color], [privacy], [visible], [image_original],
[emotional_image_original], [emotional_image_position]}, any
of them; what is absent stays.  The slug stays.  Answer: the
Group object.  Over HTTP the id stands in the header X-Group-Id.
Allowed to the group's manager and to operators.  Errors: 22023, 23505 (the name is taken),
55000 (a private group becomes public; archived), 400 all; 28000 (401), 42501 (403), P0002 (404).$$;

CREATE FUNCTION group_api_v2.patch_group(id bigint, body jsonb) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_patch_group';
COMMENT ON FUNCTION group_api_v2.patch_group(bigint, jsonb) IS
$$The same for callers in SQL: see patch_group(jsonb).$$;

CREATE FUNCTION group_api_v2.delete_group(id bigint) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_delete_group';
COMMENT ON FUNCTION group_api_v2.delete_group(bigint) IS
$$Deletes a group of contract B.

Deletes a group with its members and invitations; nothing unsent leaves any more (DELETE
/api/v2/group/{id}/).  Answers null, 204 over HTTP.
Allowed to the group's manager and to operators.  Errors: 28000 (401), 42501 (403), P0002 (404).$$;

CREATE FUNCTION group_api_v2.delete_group() RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_delete_group';
COMMENT ON FUNCTION group_api_v2.delete_group() IS
$$The same over HTTP, without a body: see delete_group(bigint).$$;

CREATE FUNCTION group_api_v2.invite_users(id bigint, users bigint[]) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_invite_users';
COMMENT ON FUNCTION group_api_v2.invite_users(bigint, bigint[]) IS
$$Invites users, or accepts who has asked to join.

Invites users (POST /api/v2/group/{id}/invite/, body {users [integer]}), or accepts who has
asked to join.  Those with an e-mail address or mobile number in the directory get a message;
who was withdrawn, declined or let it expire is invited again under a new link, not sooner
than group_api.resend_cooldown after the last message.  Members and invited users stay what
they are.  Answers null, 204 over HTTP.
Allowed to the group's manager and to operators.  Errors: 22023 (400) also for unknown users,
55000 (400) archived, 28000 (401), 42501 (403), P0002 (404).$$;

CREATE FUNCTION group_api_v2.invite_users(jsonb) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_invite_users';
COMMENT ON FUNCTION group_api_v2.invite_users(jsonb) IS
$$The same over HTTP, with a JSON body: see invite_users(bigint, bigint[]).$$;

CREATE FUNCTION group_api_v2.withdraw_invitations(id bigint, users bigint[]) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_withdraw_invitations';
COMMENT ON FUNCTION group_api_v2.withdraw_invitations(bigint, bigint[]) IS
$$Withdraws invitations of users.

Withdraws open invitations of users (DELETE /api/v2/group/{id}/invite/, body {users
[integer]}): their links end, what is not sent yet is canceled; others stay what they are.
Answers null, 204 over HTTP.
Allowed to the group's manager and to operators.  Errors: 22023 (400), 28000 (401), 42501
(403), P0002 (404).$$;

CREATE FUNCTION group_api_v2.withdraw_invitations(jsonb) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_withdraw_invitations';
COMMENT ON FUNCTION group_api_v2.withdraw_invitations(jsonb) IS
$$The same over HTTP, with a JSON body: see withdraw_invitations(bigint, bigint[]).$$;

CREATE FUNCTION group_api_v2.subscribe(id bigint, users bigint[] DEFAULT NULL) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_subscribe';
COMMENT ON FUNCTION group_api_v2.subscribe(bigint, bigint[]) IS
$$Joins a group, or asks to; the manager adds users.

Joins a group (POST /api/v2/group/{id}/subscribe/, body {[users [integer]]}): accepts an
invitation, joins a public group, asks to join a private one.  With users the manager adds
them.  Twice is no error.  Answers null, 204 over HTTP.
Errors: 22023 (400) for unknown users, 55000 (400) archived, 28000 (401), 42501 (403) users
by another than the manager, P0002 (404).$$;

CREATE FUNCTION group_api_v2.subscribe(jsonb) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_subscribe';
COMMENT ON FUNCTION group_api_v2.subscribe(jsonb) IS
$$The same over HTTP, with a JSON body: see subscribe(bigint, bigint[]).$$;

CREATE FUNCTION group_api_v2.subscribe() RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_subscribe';
COMMENT ON FUNCTION group_api_v2.subscribe() IS
$$The same over HTTP, without a body: see subscribe(bigint, bigint[]).$$;

CREATE FUNCTION group_api_v2.unsubscribe(id bigint, "user" bigint DEFAULT NULL) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_unsubscribe';
COMMENT ON FUNCTION group_api_v2.unsubscribe(bigint, bigint) IS
$$Leaves a group; the manager removes a user.

Leaves a group, withdraws the caller's own request or declines the invitation (DELETE
/api/v2/group/{id}/subscribe/, query or body {[user integer]}).  With user the manager
removes that one, refuses the request or withdraws the invitation.  Who has nothing to do
with the group stays so.  Answers null, 204 over HTTP.
Errors: 22023 (400) for an unknown user, 55000 (400) the manager cannot leave, 28000 (401),
42501 (403) user by another than the manager, P0002 (404).$$;

CREATE FUNCTION group_api_v2.unsubscribe(jsonb) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_unsubscribe';
COMMENT ON FUNCTION group_api_v2.unsubscribe(jsonb) IS
$$The same over HTTP, with a JSON body: see unsubscribe(bigint, bigint).$$;

CREATE FUNCTION group_api_v2.unsubscribe() RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_v2_unsubscribe';
COMMENT ON FUNCTION group_api_v2.unsubscribe() IS
$$The same over HTTP, without a body: see unsubscribe(bigint, bigint).$$;

CREATE FUNCTION group_api_v2.list_members(id bigint, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_list_members';
COMMENT ON FUNCTION group_api_v2.list_members(bigint, integer, integer) IS
$$Lists the members of a group.

A page of the members (GET /api/v2/group/{id}/subscribe/): {count, next, previous,
results [{id, username, real_name, ext_id, avatar}]}.
Allowed to everybody for a public group, else to its members.
Errors: 28000 (401), 42501 (403), P0002 (404).$$;

CREATE FUNCTION group_api_v2.list_feed(id bigint, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_list_feed';
COMMENT ON FUNCTION group_api_v2.list_feed(bigint, integer, integer) IS
$$Answers clients that ask for a group's posts: it has none.

An empty page (GET /api/v2/group/{id}/feed/): {count 0, next, previous, results []}; posts are
no part of group_api.  Allowed to the group's members and to operators.
Errors: 28000 (401), 42501 (403), P0002 (404).$$;

CREATE FUNCTION group_api_v2.list_invited_users(id bigint, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_list_invited_users';
COMMENT ON FUNCTION group_api_v2.list_invited_users(bigint, integer, integer) IS
$$Lists the users with an open invitation.

A page of the users with an open invitation (GET /api/v2/group/{id}/invite/): {count, next, previous,
results [{id, username, real_name, ext_id, avatar}]}.
Allowed to the group's manager and to operators.
Errors: 28000 (401), 42501 (403), P0002 (404).$$;

CREATE FUNCTION group_api_v2.list_requests(id bigint, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_list_requests';
COMMENT ON FUNCTION group_api_v2.list_requests(bigint, integer, integer) IS
$$Lists the users who ask to join.

A page of the users who ask to join (GET /api/v2/group/{id}/request_subscribe/): {count, next, previous,
results [{id, username, real_name, ext_id, avatar}]}.
Allowed to the group's manager and to operators.
Errors: 28000 (401), 42501 (403), P0002 (404).$$;

CREATE FUNCTION group_api_v2.suggest_users(id bigint DEFAULT NULL, search text DEFAULT NULL, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_suggest_users';
COMMENT ON FUNCTION group_api_v2.suggest_users(bigint, text, integer, integer) IS
$$Finds users to invite.

A page of users to invite whose username or real name holds the text (GET /api/v2/group/user/
and, for a group that exists, /api/v2/group/{id}/user/: then without its members and invited
users, and for its manager only).  Errors: 28000 (401), 42501 (403), P0002 (404).$$;

CREATE FUNCTION group_api_v2.get_status(id bigint) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_v2_get_status';
COMMENT ON FUNCTION group_api_v2.get_status(bigint) IS
$$Tells what the caller is to a group.

What the caller is to the group (GET /api/v2/group/{id}/status/): {"status": null, "subscribed",
"requested" or "invited"}.  Errors: 28000 (401), P0002 (404).$$;

-- The same with a body as it came, in both contracts: one row a function, with its volatility, its name
-- in C, the function that its comment leads to, and what it takes.  bytea is what an HTTP server hands
-- over.  text is for what SQL's callers and drivers send without a type ('{...}', $1): beside jsonb
-- and bytea, which are equally near to it, nothing else would decide.
DO $do$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT w.* FROM (VALUES
        ('group_api', 'load_group', 'STABLE', 'group_api_load_group', 'load_group(jsonb)', 'JSON or a form as it came'),
        ('group_api', 'add_members', 'VOLATILE', 'group_api_add_members', 'add_members(jsonb)', 'JSON or a form as it came'),
        ('group_api_v2', 'put_group', 'VOLATILE', 'group_api_v2_put_group', 'put_group(jsonb)', 'JSON or a form as it came'),
        ('group_api_v2', 'patch_group', 'VOLATILE', 'group_api_v2_patch_group', 'patch_group(jsonb)', 'JSON or a form as it came'),
        ('group_api_v2', 'delete_group', 'VOLATILE', 'group_api_v2_delete_group_body', 'delete_group(bigint)',
            'a body, which is not read, or the id as text'),
        ('group_api_v2', 'invite_users', 'VOLATILE', 'group_api_v2_invite_users', 'invite_users(bigint, bigint[])', 'JSON or a form as it came'),
        ('group_api_v2', 'withdraw_invitations', 'VOLATILE', 'group_api_v2_withdraw_invitations',
            'withdraw_invitations(bigint, bigint[])', 'JSON or a form as it came'),
        ('group_api_v2', 'subscribe', 'VOLATILE', 'group_api_v2_subscribe_body', 'subscribe(bigint, bigint[])',
            'JSON, a form or the group''s id as text'),
        ('group_api_v2', 'unsubscribe', 'VOLATILE', 'group_api_v2_unsubscribe_body', 'unsubscribe(bigint, bigint)',
            'JSON, a form or the group''s id as text')
    ) AS w (schema, name, volatility, symbol, twin, body) LOOP
        EXECUTE pg_catalog.format(
            $f$CREATE FUNCTION %1$I.%2$I(text) RETURNS json LANGUAGE c %3$s AS 'MODULE_PATHNAME', %4$L$f$,
            f.schema, f.name, f.volatility, f.symbol);
        EXECUTE pg_catalog.format(
            $f$CREATE FUNCTION %1$I.%2$I(bytea) RETURNS json LANGUAGE c %3$s AS 'MODULE_PATHNAME', %4$L$f$,
            f.schema, f.name, f.volatility, f.symbol);
        EXECUTE pg_catalog.format('COMMENT ON FUNCTION %I.%I(text) IS %L',
            f.schema, f.name, pg_catalog.format('The same with %s: see %s.', f.body, f.twin));
        EXECUTE pg_catalog.format('COMMENT ON FUNCTION %I.%I(bytea) IS %L',
            f.schema, f.name, pg_catalog.format('The same for a body in raw bytes: see %s(text).', f.name));
    END LOOP;
END
$do$;

CREATE FUNCTION group_api.add_members(body json, idempotency_key text DEFAULT NULL) RETURNS json
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
    SELECT group_api.add_members(CASE WHEN idempotency_key IS NULL THEN body::text
        ELSE (body::jsonb || jsonb_build_object('idempotencyKey', idempotency_key))::text END)
$$;
COMMENT ON FUNCTION group_api.add_members(json, text) IS
$$Adds members by a body of type json.

What json_build_object() makes, and a driver's parameter of type json (psycopg's Json).
idempotency_key stands for the body's field idempotencyKey.  All else as add_members(jsonb).$$;

-- The invited person --------------------------------------------------------

CREATE FUNCTION group_api.invitation(token text) RETURNS json
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_invitation';
COMMENT ON FUNCTION group_api.invitation(text) IS
$$Shows the invitation behind a link.

Shows an invitation to whoever holds its link: {error, invitation {group, inviter,
member, message, status, expiresAt}}.  Reading never consumes the link.
Error: P0002 (HTTP 404) for an unknown or replaced link.$$;

CREATE FUNCTION group_api.accept_invitation(token text) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_accept_invitation';
COMMENT ON FUNCTION group_api.accept_invitation(text) IS
$$Accepts an invitation; answers like invitation(token).  Accepting twice is no error.

Of a caller with a token the member is that user from then on, also where it was accepted
without an account before; the caller is entered into the directory.  A role of the database
answers for a person and becomes no member: see claim_membership(token).
Errors: P0002 (404) unknown link, 55000 (409) declined before, revoked, the group is
archived, or the member is another user, 55000 (410) expired, 23505 (409) the caller is a
member of the group already.$$;

CREATE FUNCTION group_api.claim_membership(token text) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_claim_membership';
COMMENT ON FUNCTION group_api.claim_membership(text) IS
$$Makes the caller the member whose invitation was accepted without an account.

By the link of the invitation, once: from then on the member is that user, whose picture
get_group() shows and who may call it.  Claiming one's own place again is no error.  Answers
like invitation(token).
Errors: 28000 (401), P0002 (404) unknown link, 55000 (409) not accepted yet, declined, revoked,
the member is another user, or nobody yet and the group is archived, 55000 (410) expired, 23505 (409) the caller is a member of the
group already.$$;

CREATE FUNCTION group_api.decline_invitation(token text) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_decline_invitation';
COMMENT ON FUNCTION group_api.decline_invitation(text) IS
$$Declines an invitation; answers like invitation(token).  Declining twice is no error.
Errors as accept_invitation.$$;

CREATE FUNCTION group_api.invitation_page(token text, answer text DEFAULT NULL)
    RETURNS group_api."text/html"
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_invitation_page';
COMMENT ON FUNCTION group_api.invitation_page(text, text) IS
$$The page behind an invitation's link.

The page behind an invitation's link, for people: what is offered and two buttons, or
what became of it.  The answer is accept or decline; GET, HEAD and a read-only transaction
only look, whatever they carry.  Throws nothing: over HTTP the status is 200, 400 for
another answer, 404 for an unknown or replaced link, 409 when it was answered the other
way before, 410 when it was withdrawn, has expired or the group is archived.$$;

CREATE FUNCTION group_api.picture(id uuid) RETURNS group_api."*/*"
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_picture';
COMMENT ON FUNCTION group_api.picture(uuid) IS
$$A picture that was uploaded with a group of contract B.

Its bytes, over HTTP with their own media type: image/png, image/jpeg, image/gif or
image/webp.  Whoever knows the id may see it.  Errors: P0002 (404).$$;

CREATE FUNCTION group_api.unsubscribe(token text) RETURNS group_api."text/html"
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_unsubscribe';
COMMENT ON FUNCTION group_api.unsubscribe(text) IS
$$Ends all messages to whom a link was sent.

One-click unsubscribe (RFC 8058): POST, or a call in SQL, ends all messages to the contact
that the link was sent to; GET, HEAD and a read-only transaction show a page with a button.
Doing it twice is no error.  Throws nothing: 404 for an unknown link.$$;

-- Receipts ------------------------------------------------------------------

CREATE FUNCTION group_api.receive_receipt(server name, body bytea, headers jsonb DEFAULT '{}',
        query text DEFAULT '', method text DEFAULT 'POST')
    RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_receive_receipt';
COMMENT ON FUNCTION group_api.receive_receipt(name, bytea, jsonb, text, text) IS
$$Takes a provider's callback.

Takes a provider's callback as it came: the server of CREATE SERVER, the raw body, the headers
(names in any case), the query behind the question mark and the method. Answers {"result", "receipts"}:
moved (a delivery changed), known, stale (about an older message), unknown (about none of ours),
replayed, refused (not proved to be the provider's), unreadable; and how many events it held.
No error for anything that comes from outside.$$;

CREATE FUNCTION group_api.receive_receipt(text) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_receive_receipt_http';
COMMENT ON FUNCTION group_api.receive_receipt(text) IS
$$Takes a provider's callback over HTTP.

The same over HTTP: the argument is the raw body, the gateway's request.headers hold the rest, with
the query the provider called in x-receipt-query. Status 200, 403 refused, 400 unreadable.$$;

CREATE FUNCTION group_api.receive_receipt(bytea) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_receive_receipt_http';
COMMENT ON FUNCTION group_api.receive_receipt(bytea) IS
$$Takes a provider's callback over HTTP, whatever its bytes.

As receive_receipt(text), which gets none that is not UTF-8.$$;

CREATE FUNCTION group_api.receipt_url(server name) RETURNS text
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_receipt_url';
COMMENT ON FUNCTION group_api.receipt_url(name) IS
$$The address to enter at a provider as webhook for all its messages; whoever knows it is believed
where the provider does not sign. Errors: 42704 for an unknown server, 55000 without callback_url.$$;

-- Events --------------------------------------------------------------------

CREATE FUNCTION group_api.create_consumer(name text, events text DEFAULT '*', contacts boolean DEFAULT false,
        role regrole DEFAULT NULL)
    RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_create_consumer';
COMMENT ON FUNCTION group_api.create_consumer(text, text, boolean, regrole) IS
$$Makes a consumer, for which events are kept until it has acknowledged them.

"events" names those it wants, with commas between, such as invitation.*, member.joined; * is
all (docs/events.md).  With "contacts" they tell the members' addresses.  What happens in
transactions that begin from now on is kept for group_api.events_retention.  With "role" it is for
that role and its members alone, in another cluster for the role of that name; without, for whoever may
call next_events().
Errors: 42710 for a name that is taken, 22023 for an unknown event or a name that is empty or
longer than 63 bytes, 22004 for null.$$;

CREATE FUNCTION group_api.drop_consumer(name text) RETURNS boolean
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_drop_consumer';
COMMENT ON FUNCTION group_api.drop_consumer(text) IS
'Removes a consumer with all that waits for it; tells whether there was one. Error: 22004 for null.';

CREATE FUNCTION group_api.next_events(name text, "limit" integer DEFAULT 100,
        OUT id bigint, OUT uid uuid, OUT type text, OUT at timestamptz, OUT event json)
    RETURNS SETOF record
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_next_events';
COMMENT ON FUNCTION group_api.next_events(text, integer) IS
$$Hands out the next events of a consumer, in the order in which they happened.

Those handed out go to no other session for group_api.event_lease; those that ack_events() does
not name by then are handed out again.  Several sessions share the work of one consumer.  None is
left out, however transactions overlap; but two sessions may be at work on one group at a time.
"limit": 1 to 10000.  Errors: 42704 for an unknown consumer, 42501 for one of another role,
22023 for another limit.$$;

CREATE FUNCTION group_api.ack_events(name text, VARIADIC ids bigint[]) RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_ack_events';
COMMENT ON FUNCTION group_api.ack_events(text, bigint[]) IS
$$Says which events a consumer is done with: they are not handed out again.

Answers how many of them were not before.  In the transaction that took and used them it makes
their use exactly once.  Errors: 42704 for an unknown consumer, 42501 for one of another role, 22004
for null.$$;

CREATE FUNCTION group_api.replay_events(listener text, since timestamptz) RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_replay_events';
COMMENT ON FUNCTION group_api.replay_events(text, timestamptz) IS
$$Tells a webhook or a consumer once more what happened since then.

All that is still kept (group_api.events_retention) and that it listens to, dead letters among
it, under the same webhook-id as before; answers how many events these are.
Errors: 42704 when there is neither a webhook nor a consumer of that name, 22004 for null.$$;

-- Operators -----------------------------------------------------------------

CREATE FUNCTION group_api.retry_failed(
        group_id uuid DEFAULT NULL, channel group_api.channel DEFAULT NULL, server name DEFAULT NULL,
        reason text DEFAULT NULL, max_age interval DEFAULT NULL, max_rows integer DEFAULT NULL)
    RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_retry_failed';
COMMENT ON FUNCTION group_api.retry_failed(uuid, group_api.channel, name, text, interval, integer) IS
$$Queues failed and uncertain invitations again, with a fresh number of attempts and an expiry
counted anew: all, or those of one group, channel or provider (server), with a reason that is LIKE
the given one, that failed no longer ago than max_age; at most max_rows of them.  Returns how many.
Rows that a failing step set aside are all tried again at once (view set_aside).
group_api.in_batches() does it in transactions of bounded size.  Error: 22023 for max_rows below 1.$$;

CREATE FUNCTION group_api.retry_set_aside() RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_retry_set_aside';
COMMENT ON FUNCTION group_api.retry_set_aside() IS
'Has the rows that a failing step set aside (view set_aside) tried at once, and the steps and records that failed; to be called when the cause is gone. Returns how many rows there were.';

CREATE FUNCTION group_api.put_user(
        subject text, username text DEFAULT NULL, real_name text DEFAULT NULL,
        avatar text DEFAULT NULL, email text DEFAULT NULL, mobile text DEFAULT NULL,
        locale text DEFAULT NULL, ext_id text DEFAULT NULL)
    RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_put_user';
COMMENT ON FUNCTION group_api.put_user(text, text, text, text, text, text, text, text) IS
'Adds a user to the directory, or changes the one with this subject (the claim "sub" of its tokens, iss:ISSUER#SUB where another issuer''s user has that one, role:NAME for a role of the database); what is null stays as it is. Returns the id contract B invites by. Error: 22023 for a missing subject, a role that does not exist, an impossible e-mail address or mobile number, an avatar that is no web address, a locale that is no language.';

CREATE FUNCTION group_api.put_template(
        channel group_api.channel, locale text, body text,
        subject text DEFAULT NULL, html text DEFAULT NULL)
    RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_put_template';
COMMENT ON FUNCTION group_api.put_template(group_api.channel, text, text, text, text) IS
$$Says invitations of a channel in a language in your words, from the commit on: body is the
SMS or the mail's plain text; a mail has a subject, and an HTML part if html is given.
Placeholders: {inviter} {group} {member} {message} {description} {link} {expires} {image};
conditions: {?name}...{/} if there is one, {!name}...{/} if not, also of reminder.
Replaces the template of the same channel and locale. See group_api.templates.
Error: 22023 for no locale, an unknown placeholder, a condition without end, no {link}.$$;

CREATE FUNCTION group_api.remove_template(channel group_api.channel, locale text) RETURNS boolean
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_remove_template';
COMMENT ON FUNCTION group_api.remove_template(group_api.channel, text) IS
'Removes an own template, so that the next best one is used: see group_api.templates. False when there was none. Error: 22023 for no locale.';

CREATE FUNCTION group_api_private.builtin_templates(
        OUT channel text, OUT locale text, OUT subject text, OUT body text, OUT html text)
    RETURNS SETOF record
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_builtin_templates';
COMMENT ON FUNCTION group_api_private.builtin_templates() IS 'internal: the templates used where there is no own one';

CREATE FUNCTION group_api.pause(server name, reason text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_pause';
COMMENT ON FUNCTION group_api.pause(name, text) IS
'Holds back everything for one provider (a server of CREATE SERVER); what is in flight ends. Error: 42704 for an unknown server.';

CREATE FUNCTION group_api.resume(server name) RETURNS boolean
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_resume';
COMMENT ON FUNCTION group_api.resume(name) IS
'Lets a paused provider send again, whether an operator or a misconfiguration paused it, and ends the rest of one that asked for it. False when it was neither paused nor resting. Error: 42704 for an unknown server.';

CREATE FUNCTION group_api.suppress(contact text) RETURNS boolean
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_suppress';
COMMENT ON FUNCTION group_api.suppress(text) IS
'Puts an e-mail address or mobile number on the suppression list: nothing more is sent to it. False when it was there. Error: 22023 when it is neither.';

CREATE FUNCTION group_api.unsuppress(contact text) RETURNS boolean
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_unsuppress';
COMMENT ON FUNCTION group_api.unsuppress(text) IS
'Takes an e-mail address or mobile number off the suppression list; invitations that were suppressed can be resent, and a NOTICE names them. False when it was not there. Error: 22023 when it is neither.';

CREATE FUNCTION group_api.adopt(keep_links boolean DEFAULT false, dry_run boolean DEFAULT false,
        forget_suppressions boolean DEFAULT false, shard integer DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_adopt';
COMMENT ON FUNCTION group_api.adopt(boolean, boolean, boolean, integer) IS
$$Declares this database, restored or cloned from another, to be the one that sends.

Returns how many invitations wait, and says in a NOTICE what will be sent and to how many.
What was being sent when the data were copied is sent again.  The links get a new key, so
those that the origin sent are not valid here; with keep_links they are, which means that
whoever holds one can answer in the origin and here.  dry_run only says it.  Data that
belong to this database already are left as they are.  Errors: 55000 when keep_links is
asked for and the key did not come along, or when the suppression list cannot be read since
its salt did not; forget_suppressions then gives the list up.
shard is this server's number among several that share the groups, 0 to 1023 and 0 unless it is
given (docs/scaling.md): the ids and links of groups bear it, so that one with groups keeps its number.
Errors: 22023 for another number, 55000 where there are groups of another one.$$;

-- Shards ------------------------------------------------------------------------

CREATE FUNCTION group_api.call_as(role name, login name, is_superuser boolean, only_reads boolean, claims text,
        headers text, method text, function text, "values" text[])
    RETURNS text
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_call_as';
COMMENT ON FUNCTION group_api.call_as(name, name, boolean, boolean, text, text, text, text, text[]) IS
$$Calls a function of the extension for a caller of a proxy database (docs/scaling.md).

As that role, of which the session's user has to be a member, and with the claims, headers and method of
the proxy's gateway; the claims count where login, the role that is logged in at the proxy, is a gateway here,
or is_superuser says so.  function is written as group_api.get_group(uuid), its arguments are texts.  Answers
one text for group_api_proxy.call(): the status and the headers for the gateway, of an error, whose changes are undone, SQLSTATE,
message, detail and hint, and what it returned. In front of them stand their lengths in characters, a blank after each,
- for null, and last + or, where nothing was returned, -.
Errors among them: 42501 for a role that the session's user may not become, 42883 for a function that the
extension does not have, 22023 for another number of arguments, 22004 for null.$$;

CREATE FUNCTION group_api.rows_as(role name, login name, is_superuser boolean, only_reads boolean, claims text,
        headers text, method text, source text, "values" text[])
    RETURNS SETOF json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_rows_as';
COMMENT ON FUNCTION group_api.rows_as(name, name, boolean, boolean, text, text, text, text, text[]) IS
$$Reads a view of the extension, or a function of it that returns rows, for a caller of a proxy database.

As call_as(); source is a view's name, such as group_api.queue, or a function as there.  Answers a JSON object a row.
Errors: as call_as(), and 42P01 for a view that the extension does not have.$$;

-- EXECUTE on it is kept by the role's oid, so no other role can come to it by a name.
CREATE FUNCTION group_api.is_gateway() RETURNS boolean
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_is_gateway';
COMMENT ON FUNCTION group_api.is_gateway() IS
$$Tells whether this session's request.jwt.claims is believed.

It is in the session of a superuser, and of a role that group_api.trusted_roles names and
that may execute this function, which is what grant_access(role, 'gateway') grants.$$;

CREATE FUNCTION group_api.wait_until_idle(timeout interval DEFAULT '10 s') RETURNS boolean
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_wait_until_idle';
COMMENT ON FUNCTION group_api.wait_until_idle(interval) IS
'Waits until no invitation is due or being sent; false when the time is over before, with a NOTICE that says what it waits for. For scripts and tests; call it outside a transaction that holds invitations.';

CREATE FUNCTION group_api.test_provider(server name, contact text) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_test_provider';
COMMENT ON FUNCTION group_api.test_provider(name, text) IS
$$Sends one short test message through a provider, paused or not, and waits for what
becomes of it, at most the provider's own time-outs: {outcome
accepted|rejected|retry|misconfigured|uncertain, code, detail (the provider's own
words), message_id, elapsed_ms, hint (what to do, where that can be told)}.  Can be canceled.
Errors: 42704 for an unknown server, 22023 for a contact that is none of the
provider's channel, 58000 when the courier program cannot be run.  As rows:
SELECT * FROM json_each_text(group_api.test_provider(...)).$$;

CREATE FUNCTION group_api.ingest_bounce(mail bytea) RETURNS json
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_ingest_bounce';
COMMENT ON FUNCTION group_api.ingest_bounce(bytea) IS
$$Takes one mail that came back, as the mail server has it, and changes the delivery
it is about: {result, status (as 5.1.1), group, member}.  result: moved, known
(nothing new), stale (about an older message), unknown (no invitation of ours, or
not proved), replayed (this very mail was here before), ignored (no bounce),
unreadable.  A mailbox that is gone and a complaint suppress the contact.
No mail causes an error; 58000 when the courier program cannot be run, 53000 when the
machine is too busy for it: hand the mail in again (docs/bounces.md).$$;

CREATE FUNCTION group_api.pause_channel(channel group_api.channel, reason text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    provider record;
    paused bigint := 0;
BEGIN
    FOR provider IN SELECT p.server FROM group_api.providers p
                     WHERE (pause_channel.channel IS NULL OR p.channel = pause_channel.channel::text) AND p.state <> 'paused' LOOP
        PERFORM group_api.pause(provider.server, reason);
        paused := paused + 1;
    END LOOP;
    RETURN paused;
END
$$;
COMMENT ON FUNCTION group_api.pause_channel(group_api.channel, text) IS
'Holds back everything of a channel: pauses all its providers that are not paused; of both channels where it is null. Returns how many. What is in flight ends.';

CREATE FUNCTION group_api.resume_channel(channel group_api.channel) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    provider record;
    resumed bigint := 0;
BEGIN
    FOR provider IN SELECT p.server FROM group_api.providers p
                     WHERE resume_channel.channel IS NULL OR p.channel = resume_channel.channel::text LOOP
        resumed := resumed + group_api.resume(provider.server)::integer;
    END LOOP;
    RETURN resumed;
END
$$;
COMMENT ON FUNCTION group_api.resume_channel(group_api.channel) IS
'Lets all providers of a channel send again, whoever paused them; of both channels where it is null. Returns how many were paused, resting or failing.';

CREATE FUNCTION group_api.pause_all(reason text DEFAULT NULL) RETURNS bigint
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    RETURN group_api.pause_channel(NULL, reason);
COMMENT ON FUNCTION group_api.pause_all(text) IS 'Pauses all providers of this database that are not paused; how many. resume_all() ends it.';

CREATE FUNCTION group_api.resume_all() RETURNS bigint
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    RETURN group_api.resume_channel(NULL);
COMMENT ON FUNCTION group_api.resume_all() IS 'Lets all providers of this database send again, whoever paused them; how many were paused, resting or failing.';

-- What faults of calls become over HTTP is of no use here, and the right to call it is EXECUTE, whoever's
-- claims a gateway sets: the settings are the function's.
CREATE FUNCTION group_api.one_batch(
        action text, group_id uuid, channel group_api.channel, server name, reason text, max_age interval, max_rows integer,
        INOUT last_group uuid DEFAULT NULL, INOUT last_member integer DEFAULT NULL,
        OUT chosen bigint, OUT done bigint, OUT refusal text)
    RETURNS record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET request.method = '' SET request.jwt.claims = '' AS $$
DECLARE
    invitation record;
BEGIN
    IF action IS NULL OR action NOT IN ('resend', 'cancel') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('unknown action %s', coalesce(quote_literal(action), 'null')),
            HINT = 'The actions are resend and cancel.';
    END IF;
    IF max_rows IS NULL OR max_rows < 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'max_rows must be 1 or more';
    END IF;
    chosen := 0;
    done := 0;
    FOR invitation IN
        SELECT d.group_id, d.member FROM group_api.deliveries d
         WHERE (action = 'resend' AND d.response IN ('pending', 'expired')
                AND d.delivery IN ('sent', 'delivered', 'failed', 'uncertain') AND d.changed_at < now() AND d.group_status = 'ACTIVE'
                OR action = 'cancel' AND d.response = 'pending' AND d.delivery IN ('held', 'queued'))
           AND (last_group IS NULL OR (d.group_id, d.member) > (last_group, last_member))
           AND (one_batch.group_id IS NULL OR d.group_id = one_batch.group_id)
           AND (one_batch.channel IS NULL OR d.channel = one_batch.channel)
           AND (one_batch.server IS NULL OR d.server = one_batch.server)
           AND (one_batch.reason IS NULL OR d.reason LIKE one_batch.reason)
           AND (max_age IS NULL OR d.changed_at >= now() - max_age)
         ORDER BY d.group_id, d.member LIMIT max_rows LOOP
        chosen := chosen + 1;
        last_group := invitation.group_id;
        last_member := invitation.member;
        BEGIN
            IF action = 'resend' THEN
                PERFORM group_api.resend_invitation(invitation.group_id, invitation.member);
            ELSE
                PERFORM group_api.revoke_invitation(invitation.group_id, invitation.member);
            END IF;
            done := done + 1;
        EXCEPTION WHEN object_not_in_prerequisite_state OR configuration_limit_exceeded OR lock_not_available OR no_data_found
                OR invalid_parameter_value THEN
            refusal := SQLERRM;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION group_api.one_batch(text, uuid, group_api.channel, name, text, interval, integer, uuid, integer) IS
$$Does resend or cancel (action) with the next max_rows invitations of the choice behind member last_member of group
last_group (null: the first ones), for resend(), cancel() and in_batches().  Answers the last one, how many were chosen,
with how many it was done, and why one of the others was left out.
Error: 22023 for another action or max_rows below 1.$$;

CREATE FUNCTION group_api_private.every_batch(
        action text, group_id uuid, channel group_api.channel, server name, reason text, max_age interval, max_rows integer)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch record;
    done bigint := 0;
    skipped bigint := 0;
    words text;
BEGIN
    SELECT NULL::uuid AS last_group, NULL::integer AS last_member INTO batch;
    LOOP
        batch := group_api.one_batch(action, group_id, channel, server, reason, max_age, (max_rows - done)::integer,
                                     batch.last_group, batch.last_member);
        done := done + batch.done;
        skipped := skipped + batch.chosen - batch.done;
        words := coalesce(batch.refusal, words);
        EXIT WHEN batch.chosen = 0 OR done >= max_rows;
    END LOOP;
    -- What cannot be canceled has left, or is withdrawn already.
    IF skipped > 0 AND action = 'resend' THEN
        RAISE NOTICE USING MESSAGE = format('%s were left out, the last one since %s', skipped, words);
    END IF;
    RETURN done;
END
$$;
COMMENT ON FUNCTION group_api_private.every_batch(text, uuid, group_api.channel, name, text, interval, integer) IS
'internal: resend() and cancel(), one_batch() after the other until max_rows are done';

CREATE FUNCTION group_api.resend(
        group_id uuid DEFAULT NULL, channel group_api.channel DEFAULT NULL, server name DEFAULT NULL,
        reason text DEFAULT NULL, max_age interval DEFAULT NULL, max_rows integer DEFAULT 1000) RETURNS bigint
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    RETURN group_api_private.every_batch('resend', group_id, channel, server, reason, max_age, max_rows);
COMMENT ON FUNCTION group_api.resend(uuid, group_api.channel, name, text, interval, integer) IS
$$Sends open invitations that were sent, or failed, again under new links: all, or those of one group, channel or provider
(server), with a reason that is LIKE the given one, or that changed no longer ago than max_age; at most max_rows.
Returns how many; those that may not be resent (sent a moment ago, a country that gets none) are left out, and a NOTICE
says why; archived groups are not looked at.
Error: 22023 for max_rows below 1.$$;

CREATE FUNCTION group_api.cancel(
        group_id uuid DEFAULT NULL, channel group_api.channel DEFAULT NULL, server name DEFAULT NULL,
        reason text DEFAULT NULL, max_age interval DEFAULT NULL, max_rows integer DEFAULT 1000) RETURNS bigint
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    RETURN group_api_private.every_batch('cancel', group_id, channel, server, reason, max_age, max_rows);
COMMENT ON FUNCTION group_api.cancel(uuid, group_api.channel, name, text, interval, integer) IS
$$Withdraws invitations whose message, or reminder, waits to leave: all, or those of one group or channel, that a provider (server) was tried
for, with a reason that is LIKE the given one, or that changed no longer ago than max_age; at most max_rows.  Returns how many.
Error: 22023 for max_rows below 1.$$;

-- It commits, so it can have no settings of its own: each transaction begins with the search path.
CREATE PROCEDURE group_api.in_batches(
        action text, group_id uuid DEFAULT NULL, channel group_api.channel DEFAULT NULL, server name DEFAULT NULL,
        reason text DEFAULT NULL, max_age interval DEFAULT NULL, batch_size integer DEFAULT 1000)
    LANGUAGE plpgsql AS $$
DECLARE
    batch record;
    done bigint := 0;
    total bigint;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    IF action IS NULL OR action NOT IN ('retry_failed', 'resend', 'cancel') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('unknown action %s', coalesce(quote_literal(action), 'null')),
            HINT = 'The actions are retry_failed, resend and cancel.';
    END IF;
    -- What fails again meanwhile is not done twice.
    SELECT count(*) INTO total FROM group_api.deliveries d
     WHERE CASE action WHEN 'retry_failed' THEN d.delivery IN ('failed', 'uncertain') AND d.response IN ('pending', 'expired')
                       WHEN 'resend' THEN d.delivery IN ('sent', 'delivered', 'failed', 'uncertain') AND d.response IN ('pending', 'expired')
                       ELSE d.delivery IN ('held', 'queued') AND d.response = 'pending' END
       AND (action = 'cancel' OR d.group_status = 'ACTIVE')
       AND (in_batches.group_id IS NULL OR d.group_id = in_batches.group_id)
       AND (in_batches.channel IS NULL OR d.channel = in_batches.channel)
       AND (in_batches.server IS NULL OR d.server = in_batches.server)
       AND (in_batches.reason IS NULL OR d.reason LIKE in_batches.reason)
       AND (max_age IS NULL OR d.changed_at >= now() - max_age);
    SELECT NULL::uuid AS last_group, NULL::integer AS last_member INTO batch;
    LOOP
        PERFORM group_api.report_progress(action, done, total);
        EXIT WHEN done >= total;
        IF action = 'retry_failed' THEN
            SELECT r AS chosen, r AS done INTO batch
              FROM group_api.retry_failed(group_id, channel, server, reason, max_age, batch_size) AS r;
        ELSE
            -- On from the last one: those that are refused are still among the chosen.
            batch := group_api.one_batch(action, group_id, channel, server, reason, max_age, batch_size,
                                         batch.last_group, batch.last_member);
        END IF;
        done := done + batch.done;
        COMMIT;
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        EXIT WHEN batch.chosen = 0;
    END LOOP;
    PERFORM group_api.report_progress(NULL, done, total);
    RAISE NOTICE USING MESSAGE = format('%s of %s', done, total);
END
$$;
COMMENT ON PROCEDURE group_api.in_batches(text, uuid, group_api.channel, name, text, interval, integer) IS
$$Does retry_failed, resend or cancel (action) with as many invitations as the choice has when it begins, a transaction for each
batch_size of them; view stat_progress tells how far it is.  To be called outside a transaction; what was done stays when it is
interrupted.  Errors: 22023 for another action or batch_size below 1, 2D000 inside a transaction.$$;

CREATE FUNCTION group_api.report_progress(action text, done bigint, total bigint) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_report_progress';
COMMENT ON FUNCTION group_api.report_progress(text, bigint, bigint) IS
'Tells view stat_progress how far this session is with long work; null: it is over. group_api.in_batches() calls it.';

CREATE FUNCTION group_api_private.progress(
        OUT pid integer, OUT action text, OUT started_at timestamptz, OUT done bigint, OUT total bigint)
    RETURNS SETOF record
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_progress';
COMMENT ON FUNCTION group_api_private.progress() IS 'internal: the long work of sessions of this database';

CREATE FUNCTION group_api_private.dispatcher_state(
        OUT pid integer, OUT state text, OUT reason text, OUT courier_pid integer,
        OUT started_at timestamptz, OUT turns bigint, OUT claimed bigint, OUT recorded bigint, OUT hint text,
        OUT held_up_while text, OUT held_up_table oid, OUT held_up_since timestamptz,
        OUT failing_while text, OUT failing_reason text, OUT failing_since timestamptz,
        OUT overdue interval, OUT courier_silent interval, OUT courier_replaced_at timestamptz,
        OUT since timestamptz, OUT command text)
    RETURNS record
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_dispatcher_state';
COMMENT ON FUNCTION group_api_private.dispatcher_state() IS 'internal: the dispatcher of this database as shared memory tells; held_up_: the step a lock is in the way of, the table (null: rows) and since when';

CREATE FUNCTION group_api_private.allowed_connections(server name)
    RETURNS integer
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'group_api_allowed_connections';
COMMENT ON FUNCTION group_api_private.allowed_connections(name) IS 'internal: how many connections a provider was found to allow; null: as many as its option max_connections says';

CREATE FUNCTION group_api_private.provider_figures(
        OUT server name, OUT counted_since timestamptz, OUT accepted bigint, OUT rejected bigint, OUT retried bigint,
        OUT misconfigured bigint, OUT uncertain bigint, OUT last_accepted_at timestamptz,
        OUT failing_since timestamptz, OUT failures integer, OUT in_flight integer, OUT "window" integer,
        OUT rests_for interval, OUT silent_for interval, OUT rate double precision,
        OUT latency_p50 interval, OUT latency_p95 interval, OUT latency_p99 interval,
        OUT last_error_at timestamptz, OUT last_error text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_provider_figures';
COMMENT ON FUNCTION group_api_private.provider_figures() IS 'internal: what shared memory counts of the providers of this database';

CREATE FUNCTION group_api_private.provider_history(
        OUT server name, OUT at timestamptz, OUT sent bigint, OUT failed bigint, OUT uncertain bigint, OUT put_off bigint)
    RETURNS SETOF record
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'group_api_provider_history';
COMMENT ON FUNCTION group_api_private.provider_history() IS 'internal: what became of messages, by quarters of an hour of the last day';

CREATE FUNCTION group_api_private.default_words(group_api.channel) RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_default_words';
COMMENT ON FUNCTION group_api_private.default_words(group_api.channel) IS
'internal: the language of messages to people whose own is not known: group_api.default_locale, or English where there are no words in that';

CREATE FUNCTION group_api_private.phone_tables(OUT as_of text, OUT age integer, OUT is_old boolean)
    RETURNS record
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_phone_tables';
COMMENT ON FUNCTION group_api_private.phone_tables() IS 'internal: the month of the tables that mobile numbers are checked by (2026-11), their age in months, and whether that reaches group_api.phone_metadata_months';

CREATE FUNCTION group_api_private.is_adopted() RETURNS boolean
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_is_adopted';
COMMENT ON FUNCTION group_api_private.is_adopted() IS 'internal: whether the data belong to this cluster and database';

CREATE FUNCTION group_api_private.first_link_version() RETURNS smallint
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_first_link_version';
COMMENT ON FUNCTION group_api_private.first_link_version() IS 'internal: the version of an invitation''s first link: 1, and 128 more for each timeline of the server after the first, so that no link that a lost primary sent is given again';

CREATE FUNCTION group_api_private.data_origin() RETURNS text
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'group_api_data_origin';
COMMENT ON FUNCTION group_api_private.data_origin() IS 'internal: own, empty (no groups yet), moved (by pg_upgrade), foreign, or unknown (the extension''s owner is no superuser, or the library is of another version)';

-- Providers -----------------------------------------------------------------

-- One row a kind of provider, in the order they are listed in: the channel of its messages (null:
-- the server's option says it) and what its wrapper is for. The library's list is
-- src/base/shared/provider_table.c.
DO $do$
DECLARE
    kind record;
    channels text := '';
BEGIN
    FOR kind IN SELECT k.* FROM (VALUES
        ('smtp', 'EMAIL', 'mail through a relay (SMTP)'),
        ('twilio', 'MOBILE', 'SMS through Twilio'),
        ('vonage', 'MOBILE', 'SMS through Vonage''s SMS API'),
        ('vonage_messages', 'MOBILE', 'SMS through Vonage''s Messages API'),
        ('messagebird', 'MOBILE', 'SMS through MessageBird'),
        ('plivo', 'MOBILE', 'SMS through Plivo'),
        ('sns', 'MOBILE', 'SMS through Amazon SNS'),
        ('kannel', 'MOBILE', 'SMS through a Kannel gateway'),
        ('sendgrid', 'EMAIL', 'mail through SendGrid'),
        ('postmark', 'EMAIL', 'mail through Postmark'),
        ('mailgun', 'EMAIL', 'mail through Mailgun'),
        ('ses', 'EMAIL', 'mail through Amazon SES'),
        ('resend', 'EMAIL', 'mail through Resend'),
        ('http', NULL, 'any gateway spoken to by HTTP'),
        ('capture', NULL, 'keeps messages in group_api.captured, sends nothing'),
        ('webhook', 'EVENT', 'tells events to an application''s own address, by HTTP')
    ) AS k (name, channel, words) LOOP
        EXECUTE pg_catalog.format(
            $f$CREATE FUNCTION group_api_private.%I(text[], oid) RETURNS void
                LANGUAGE c AS 'MODULE_PATHNAME', 'group_api_provider_validator'$f$, kind.name || '_validator');
        EXECUTE pg_catalog.format(
            $f$COMMENT ON FUNCTION group_api_private.%I(text[], oid) IS
                'internal: checks the options of CREATE SERVER and CREATE USER MAPPING'$f$, kind.name || '_validator');
        EXECUTE pg_catalog.format(
            'CREATE FOREIGN DATA WRAPPER %I VALIDATOR group_api_private.%I',
            'group_api_' || kind.name, kind.name || '_validator');
        EXECUTE pg_catalog.format('COMMENT ON FOREIGN DATA WRAPPER %I IS %L',
            'group_api_' || kind.name, 'group_api: ' || kind.words);
        EXECUTE pg_catalog.format('REVOKE ALL ON FOREIGN DATA WRAPPER %I FROM PUBLIC', 'group_api_' || kind.name);
        channels := channels || pg_catalog.format(' WHEN %L THEN %L', kind.name, kind.channel);
    END LOOP;
    EXECUTE pg_catalog.format(
        'CREATE FUNCTION group_api_private.kind_channel(kind text) RETURNS text
            LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp RETURN CASE kind%s END', channels);
END
$do$;
COMMENT ON FUNCTION group_api_private.kind_channel(text) IS
'internal: EMAIL or MOBILE, as the kind of provider sends, EVENT of a webhook; null: the server''s option "channel" says it';

-- Views ---------------------------------------------------------------------

CREATE VIEW group_api.providers WITH (security_invoker = true) AS
SELECT s.srvname AS server,
       pg_catalog.substr(w.fdwname::pg_catalog.text, 11) AS kind,
       coalesce(group_api_private.kind_channel(pg_catalog.substr(w.fdwname::pg_catalog.text, 11))
                COLLATE pg_catalog."default",
                (SELECT o.option_value FROM pg_catalog.pg_options_to_table(s.srvoptions) o
                  WHERE o.option_name = 'channel')) AS channel,
       CASE WHEN p.server IS NULL THEN 'ready' WHEN p.until IS NULL THEN 'paused' ELSE 'resting' END AS state,
       p.reason, p.since, p.until,
       group_api_private.allowed_connections(s.srvname) AS max_connections
  FROM pg_catalog.pg_foreign_server s
  JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
  LEFT JOIN group_api_private.pauses p ON p.server = s.srvname
        AND (p.until <= pg_catalog.clock_timestamp()) IS NOT TRUE
 WHERE EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e
                  ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
               WHERE d.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass
                 AND d.objid = w.oid AND d.deptype = 'e' AND e.extname = 'group_api')
   AND group_api_private.kind_channel(pg_catalog.substr(w.fdwname::pg_catalog.text, 11)) IS DISTINCT FROM 'EVENT'
 ORDER BY s.srvname;
COMMENT ON VIEW group_api.providers IS 'the providers of this database: ready, paused (until resumed or changed), or resting until a time that they asked for';
COMMENT ON COLUMN group_api.providers.server IS 'the name of the foreign server';
COMMENT ON COLUMN group_api.providers.kind IS 'the wrapper it is of, without group_api_';
COMMENT ON COLUMN group_api.providers.channel IS 'MOBILE or EMAIL: whom it reaches';
COMMENT ON COLUMN group_api.providers.state IS 'ready, paused, or resting';
COMMENT ON COLUMN group_api.providers.reason IS 'why it is paused or rests, in its own words or the operators';
COMMENT ON COLUMN group_api.providers.since IS 'since when it is paused or rests';
COMMENT ON COLUMN group_api.providers.until IS 'when the rest ends; null: it does not rest';
COMMENT ON COLUMN group_api.providers.max_connections IS 'how many connections it was found to allow, fewer than its option max_connections; null: none was refused';

CREATE VIEW group_api.queue WITH (security_invoker = true) AS
SELECT i.channel, i.delivery,
       pg_catalog.count(*) AS invitations,
       pg_catalog.min(i.due) AS next_due,
       pg_catalog.date_trunc('second', pg_catalog.now() - pg_catalog.min(i.changed_at)) AS oldest,
       pg_catalog.count(*) FILTER (WHERE i.due > pg_catalog.now() AND i.reason LIKE 'later: %') AS later
  FROM group_api_private.invitations i
 WHERE i.due IS NOT NULL
 GROUP BY i.channel, i.delivery
 ORDER BY i.channel, i.delivery;
COMMENT ON VIEW group_api.queue IS 'what waits to be sent or is being sent, by channel; later: how many of them wait for a daily cap or a cool-down';
COMMENT ON COLUMN group_api.queue.channel IS 'MOBILE or EMAIL';
COMMENT ON COLUMN group_api.queue.delivery IS 'queued or sending';
COMMENT ON COLUMN group_api.queue.invitations IS 'how many there are';
COMMENT ON COLUMN group_api.queue.next_due IS 'when the first of them is to be tried';
COMMENT ON COLUMN group_api.queue.oldest IS 'how long the one that changed longest ago has been as it is';
COMMENT ON COLUMN group_api.queue.later IS 'how many wait for a daily cap or a cool-down';

CREATE VIEW group_api.attempts WITH (security_invoker = true) AS
SELECT a.started_at, a.group_id, a.member, m.name AS member_name, a.server, a.attempt,
       a.outcome, a.code, a.detail, a.elapsed, a.next_at, a.segments
  FROM (SELECT started_at, group_id, member, server, attempt, outcome, code, detail, elapsed, next_at, segments
          FROM group_api_private.attempts
        UNION ALL
        SELECT accepted_at, group_id, number, server::name COLLATE pg_catalog."C", 1::smallint, 'accepted', accepted_code, accepted_detail,
               pg_catalog.make_interval(secs => accepted_us / 1000000.0::double precision), NULL, segments
          FROM group_api_private.invitations
         WHERE accepted_at >= pg_catalog.now() OPERATOR(pg_catalog.-)
               pg_catalog.current_setting('group_api.attempts_retention')::interval) a
  JOIN group_api_private.members m ON m.group_id = a.group_id AND m.number = a.member;
COMMENT ON VIEW group_api.attempts IS 'every try to deliver an invitation, with the provider''s own words';
COMMENT ON COLUMN group_api.attempts.started_at IS 'when the try began';
COMMENT ON COLUMN group_api.attempts.group_id IS 'the group';
COMMENT ON COLUMN group_api.attempts.member IS 'the member''s number in the group';
COMMENT ON COLUMN group_api.attempts.member_name IS 'the member''s name';
COMMENT ON COLUMN group_api.attempts.server IS 'the provider';
COMMENT ON COLUMN group_api.attempts.attempt IS 'the number of the try, from 1 on; a resend begins anew';
COMMENT ON COLUMN group_api.attempts.outcome IS 'accepted, retry, rejected, misconfigured or uncertain: docs/providers.md, what an answer means';
COMMENT ON COLUMN group_api.attempts.code IS 'the provider''s own code: SMTP reply, HTTP status or error number';
COMMENT ON COLUMN group_api.attempts.detail IS 'the provider''s own words, without secrets and tokens';
COMMENT ON COLUMN group_api.attempts.elapsed IS 'how long the try took';
COMMENT ON COLUMN group_api.attempts.next_at IS 'when the next try is due; null: there is none';
COMMENT ON COLUMN group_api.attempts.segments IS 'parts of the SMS; null: a mail, or not known';

CREATE VIEW group_api.deliveries WITH (security_invoker = true) AS
SELECT i.group_id, g.name AS "group", i.number AS member, m.name AS member_name, i.channel, i.contact,
       i.delivery, i.reason, i.response, i.attempts, i.due, i.changed_at, i.server::name COLLATE pg_catalog."C", i.message_id,
       i.delivery IN ('sent', 'delivered') AND (i.accepted_code IS NOT DISTINCT FROM 'captured'
           OR EXISTS (SELECT FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
                       WHERE s.srvname = i.server AND w.fdwname = 'group_api_capture')) AS captured,
       g.status AS group_status
  FROM group_api_private.invitations i
  JOIN group_api_private.groups g ON g.id = i.group_id
  JOIN group_api_private.members m ON m.group_id = i.group_id AND m.number = i.number;
COMMENT ON VIEW group_api.deliveries IS 'each invitation with what happened to its message and what the person decided';
COMMENT ON COLUMN group_api.deliveries.captured IS 'whether it was kept by a capture provider and not sent';
COMMENT ON COLUMN group_api.deliveries.group_id IS 'the group';
COMMENT ON COLUMN group_api.deliveries."group" IS 'the group''s name';
COMMENT ON COLUMN group_api.deliveries.member IS 'the member''s number in the group';
COMMENT ON COLUMN group_api.deliveries.member_name IS 'the member''s name';
COMMENT ON COLUMN group_api.deliveries.channel IS 'MOBILE or EMAIL';
COMMENT ON COLUMN group_api.deliveries.contact IS 'where the message goes';
COMMENT ON COLUMN group_api.deliveries.delivery IS 'what happened to the message';
COMMENT ON COLUMN group_api.deliveries.reason IS 'why it is so: the providers words, or ours';
COMMENT ON COLUMN group_api.deliveries.response IS 'what the person decided';
COMMENT ON COLUMN group_api.deliveries.attempts IS 'tries since it was queued last';
COMMENT ON COLUMN group_api.deliveries.due IS 'when it is to be tried next; null: it does not wait';
COMMENT ON COLUMN group_api.deliveries.changed_at IS 'when delivery or response changed last';
COMMENT ON COLUMN group_api.deliveries.server IS 'the provider that took it, or tried last';
COMMENT ON COLUMN group_api.deliveries.message_id IS 'the provider''s id of the message';
COMMENT ON COLUMN group_api.deliveries.group_status IS 'ACTIVE or ARCHIVED: then it is not sent again';

CREATE VIEW group_api.suppressions WITH (security_invoker = true) AS
SELECT s.since, s.channel, s.reason, s.server, s.code, s.evidence, s.receipt,
       pg_catalog.left(pg_catalog.encode(s.contact_hash, 'hex'), 12) AS contact_hash
  FROM group_api_private.suppressions s;
COMMENT ON VIEW group_api.suppressions IS 'contacts that get nothing more, by the beginning of their salted hash, and why';
COMMENT ON COLUMN group_api.suppressions.since IS 'since when nothing is sent there';
COMMENT ON COLUMN group_api.suppressions.channel IS 'MOBILE or EMAIL';
COMMENT ON COLUMN group_api.suppressions.reason IS 'why';
COMMENT ON COLUMN group_api.suppressions.server IS 'the provider that said so; null: none did';
COMMENT ON COLUMN group_api.suppressions.code IS 'its code';
COMMENT ON COLUMN group_api.suppressions.evidence IS 'what it rests on, in words that hold no contact';
COMMENT ON COLUMN group_api.suppressions.receipt IS 'the event in receipt_events, while that is kept';
COMMENT ON COLUMN group_api.suppressions.contact_hash IS 'the first 12 digits of the contact''s salted hash';

CREATE VIEW group_api.receipts WITH (security_invoker = true) AS
SELECT r.received_at, r.way, r.server, r.result, r.group_id, r.member, m.name AS member_name,
       r.status, r.code, r.message_id
  FROM group_api_private.receipts r
  LEFT JOIN group_api_private.members m ON m.group_id = r.group_id AND m.number = r.member;
COMMENT ON VIEW group_api.receipts IS 'what providers and mail servers said of messages after they took them';
COMMENT ON COLUMN group_api.receipts.received_at IS 'when it came';
COMMENT ON COLUMN group_api.receipts.way IS 'callback: a request of the provider''s; poll: its answer to our question; bounce: a mail that came back';
COMMENT ON COLUMN group_api.receipts.server IS 'the provider';
COMMENT ON COLUMN group_api.receipts.result IS 'what became of it: moved (the delivery), known (it said so already), stale (about an older message of the invitation), unknown (no message of ours), ignored (a person''s automatic reply), replayed (this very event was here before)';
COMMENT ON COLUMN group_api.receipts.group_id IS 'the group, where it names a message of ours';
COMMENT ON COLUMN group_api.receipts.member IS 'the member''s number';
COMMENT ON COLUMN group_api.receipts.member_name IS 'the member''s name';
COMMENT ON COLUMN group_api.receipts.status IS 'what the provider says of the message';
COMMENT ON COLUMN group_api.receipts.code IS 'the provider''s code';
COMMENT ON COLUMN group_api.receipts.message_id IS 'the provider''s id of the message';

CREATE VIEW group_api.receipt_events WITH (security_invoker = true) AS
SELECT r.id AS receipt, r.received_at, r.way, r.server, r.result, r.group_id, r.member, r.status, r.code,
       pg_catalog.encode(r.raw, 'escape') AS event
  FROM group_api_private.receipts r;
COMMENT ON VIEW group_api.receipt_events IS 'for operators: receipts with the event as it came, without tokens; it may hold contacts';
COMMENT ON COLUMN group_api.receipt_events.receipt IS 'the id of the event, which suppressions.receipt names';
COMMENT ON COLUMN group_api.receipt_events.received_at IS 'when it came';
COMMENT ON COLUMN group_api.receipt_events.way IS 'as in receipts';
COMMENT ON COLUMN group_api.receipt_events.server IS 'the provider';
COMMENT ON COLUMN group_api.receipt_events.result IS 'what became of it';
COMMENT ON COLUMN group_api.receipt_events.group_id IS 'the group, where it names a message of ours';
COMMENT ON COLUMN group_api.receipt_events.member IS 'the member''s number';
COMMENT ON COLUMN group_api.receipt_events.status IS 'what the provider says of the message';
COMMENT ON COLUMN group_api.receipt_events.code IS 'the provider''s code';
COMMENT ON COLUMN group_api.receipt_events.event IS 'the event as it came, without tokens; it may hold contacts';

CREATE VIEW group_api.receipt_counts WITH (security_invoker = true) AS
SELECT c.day, c.server, c.result, pg_catalog.sum(c.receipts)::bigint AS receipts
  FROM group_api_private.receipt_counts c
 GROUP BY c.day, c.server, c.result
 ORDER BY c.day DESC, c.server, c.result;
COMMENT ON VIEW group_api.receipt_counts IS 'how many receipts came each day (UTC) and what became of them; an unknown server is empty';
COMMENT ON COLUMN group_api.receipt_counts.day IS 'the day (UTC)';
COMMENT ON COLUMN group_api.receipt_counts.server IS 'the provider; empty: nobody of ours';
COMMENT ON COLUMN group_api.receipt_counts.result IS 'what became of them';
COMMENT ON COLUMN group_api.receipt_counts.receipts IS 'how many';

-- What a mail says: as the courier writes it (RFC 2045, RFC 2047), and no more than that.
CREATE FUNCTION group_api_private.mail_unquoted(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT convert_from(coalesce(string_agg(CASE WHEN p[1] ~ '^=[0-9A-Fa-f]{2}$' THEN decode(substr(p[1], 2), 'hex')
                                                 ELSE convert_to(p[1], 'UTF8') END, ''::bytea ORDER BY n), ''), 'UTF8')
      FROM regexp_matches(regexp_replace(value, '=\r?\n', '', 'g'), '=[0-9A-Fa-f]{2}|[^=]+|=', 'g') WITH ORDINALITY AS m (p, n);
END;
COMMENT ON FUNCTION group_api_private.mail_unquoted(text) IS 'internal: quoted-printable text, decoded';

CREATE FUNCTION group_api_private.mail_subject(mail text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT string_agg(CASE WHEN w[1] ~* '^=\?utf-8\?b\?' THEN convert_from(decode(split_part(w[1], '?', 4), 'base64'), 'UTF8')
                           WHEN w[1] ~* '^=\?utf-8\?q\?' THEN group_api_private.mail_unquoted(replace(split_part(w[1], '?', 4), '_', ' '))
                           ELSE w[1] END, '' ORDER BY n)
      FROM regexp_matches(regexp_replace(regexp_replace(
               substring(split_part(replace(mail, E'\r', ''), E'\n\n', 1) FROM '(?n)^Subject: (.*(?:\n[ \t].*)*)'),
               '\n([ \t])', '\1', 'g'), '\?=\s+=\?', '?==?', 'g'),
           '=\?[^?]+\?[BbQq]\?[^?]*\?=|[^=]+|=', 'g') WITH ORDINALITY AS m (w, n);
END;
COMMENT ON FUNCTION group_api_private.mail_subject(text) IS 'internal: the subject of a mail, decoded';

CREATE FUNCTION group_api_private.mail_text(mail text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN head ~* '(?n)^Content-Transfer-Encoding: *quoted-printable' THEN group_api_private.mail_unquoted(body)
                WHEN head ~* '(?n)^Content-Transfer-Encoding: *base64' THEN convert_from(decode(body, 'base64'), 'UTF8')
                ELSE body END
      FROM (SELECT replace(mail, E'\r', '')) a (mail),
           LATERAL (SELECT substr(a.mail, greatest(regexp_instr(a.mail, '(?n)^Content-Type: text/plain'), 1))) b (part),
           LATERAL (SELECT split_part(part, E'\n\n', 1)) c (head),
           LATERAL (SELECT split_part(substr(part, length(head) + 3), E'\n--=_', 1)) d (body);
END;
COMMENT ON FUNCTION group_api_private.mail_text(text) IS 'internal: the plain text of a mail, decoded';

CREATE FUNCTION group_api_private.first_link(value text) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT u[1] FROM regexp_matches(value, 'https?://[^\s<>"]+', 'g') WITH ORDINALITY AS m (u, n)
     ORDER BY NOT starts_with(u[1], split_part(current_setting('group_api.invitation_url', true), '{token}', 1)), n LIMIT 1
$$;
COMMENT ON FUNCTION group_api_private.first_link(text) IS 'internal: the link of an invitation in a text, or else the first one';

CREATE VIEW group_api.captured WITH (security_invoker = true) AS
SELECT c.id, c.captured_at, c.group_id, c.member, c.server, c.channel, c.recipient,
       CASE c.channel WHEN 'MOBILE' THEN group_api.sms_segments(c.message) END AS segments,
       CASE c.channel WHEN 'EMAIL' THEN group_api_private.mail_subject(c.message) END AS subject,
       t.text, group_api_private.first_link(t.text) AS link,
       c.message
  FROM group_api_private.captured c,
       LATERAL (SELECT CASE c.channel WHEN 'EMAIL' THEN group_api_private.mail_text(c.message) ELSE c.message END) t (text);
COMMENT ON VIEW group_api.captured IS 'what capture providers kept: the message exactly as it would have left';
COMMENT ON COLUMN group_api.captured.link IS 'the link of the invitation in it';
COMMENT ON COLUMN group_api.captured.text IS 'the words, of a mail its plain text, decoded';
COMMENT ON COLUMN group_api.captured.subject IS 'of a mail, decoded';
COMMENT ON COLUMN group_api.captured.id IS 'in the order in which they were kept';
COMMENT ON COLUMN group_api.captured.captured_at IS 'when it was kept';
COMMENT ON COLUMN group_api.captured.group_id IS 'the group';
COMMENT ON COLUMN group_api.captured.member IS 'the member''s number';
COMMENT ON COLUMN group_api.captured.server IS 'the capture provider';
COMMENT ON COLUMN group_api.captured.channel IS 'MOBILE or EMAIL';
COMMENT ON COLUMN group_api.captured.recipient IS 'where it would have gone';
COMMENT ON COLUMN group_api.captured.segments IS 'parts of the SMS; null: a mail';
COMMENT ON COLUMN group_api.captured.message IS 'the text of an SMS; a mail with its headers, as it would have left';

CREATE VIEW group_api.templates WITH (security_invoker = true) AS
SELECT t.channel, t.locale, 'own' AS source, true AS in_force,
       t.subject, t.body, t.html, t.changed_at
  FROM group_api_private.templates t
UNION ALL
SELECT b.channel::group_api.channel, b.locale, 'built-in',
       NOT EXISTS (SELECT FROM group_api_private.templates t
                    WHERE t.channel = b.channel::group_api.channel AND t.locale = b.locale),
       b.subject, b.body, b.html, NULL
  FROM group_api_private.builtin_templates() b
 ORDER BY channel, locale, source DESC;
COMMENT ON VIEW group_api.templates IS 'the words of invitations: built-in ones and your own, which go first';
COMMENT ON COLUMN group_api.templates.channel IS 'MOBILE or EMAIL';
COMMENT ON COLUMN group_api.templates.locale IS 'the language, as BCP 47 writes it';
COMMENT ON COLUMN group_api.templates.source IS 'built-in, or own: put there by put_template()';
COMMENT ON COLUMN group_api.templates.in_force IS 'whether messages are made of it';
COMMENT ON COLUMN group_api.templates.subject IS 'a mail''s subject; null: an SMS';
COMMENT ON COLUMN group_api.templates.body IS 'the SMS, or the mail''s plain text';
COMMENT ON COLUMN group_api.templates.html IS 'the mail''s HTML; null: an SMS, or a mail of plain text';
COMMENT ON COLUMN group_api.templates.changed_at IS 'when it was put there; null: built-in';

-- What health() reads: whoever may name a table can hold it up (CREATE RULE asks
-- for its lock before it asks for the right), so the schema of the tables is open
-- to nobody.
CREATE FUNCTION group_api_private.setting_command(name text, good text) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    -- What ALTER ROLE and ALTER DATABASE set goes before the server's, in this order.  A dispatcher
    -- connects as the bootstrap superuser, whose oid is 10.
    SELECT coalesce((
        SELECT CASE WHEN s.setrole = 0 AND s.setdatabase <> 0 THEN format('ALTER DATABASE %I RESET %s;', current_database(), name)
                    ELSE format('ALTER ROLE %s%s RESET %s;',
                                coalesce((SELECT quote_ident(r.rolname) FROM pg_roles r WHERE r.oid = s.setrole), 'ALL'),
                                CASE WHEN s.setdatabase <> 0 THEN format(' IN DATABASE %I', current_database()) END, name) END
          FROM pg_db_role_setting s, unnest(s.setconfig) c
         WHERE s.setrole IN (0, 10) AND split_part(c, '=', 1) = name
           AND (s.setdatabase = 0 OR s.setdatabase = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
         ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1),
        format(E'ALTER SYSTEM SET %s = %s;\nSELECT pg_reload_conf();', name, good))
$$;
COMMENT ON FUNCTION group_api_private.setting_command(text, text) IS
'internal: what puts a setting right for the dispatcher where it is wrong: for a role, this database or the server';

-- What ends the trouble of a provider that is paused, rests or fails: most are tried again,
-- a file that nobody may read is put right first.  The reason is a provider's or an operator's
-- word: a path in it counts only if it is an option of that provider, which takes the rights of
-- pg_read_server_files to set; else whoever chooses the word would choose what a superuser types.
-- A path with a control character could end the line, and is not passed on.
CREATE FUNCTION group_api_private.provider_remedy(server name, reason text) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
    SELECT concat_ws(E'\n',
        CASE WHEN path !~ '[[:cntrl:]]'
              AND EXISTS (SELECT FROM pg_user_mappings m, pg_options_to_table(m.umoptions) o
                           WHERE m.srvname = provider_remedy.server AND o.option_name IN ('password_file', 'secret_file')
                             AND o.option_value = path) THEN
             CASE WHEN reason LIKE '%must be a regular file that only its owner may read%'
                  THEN format('\! chmod 0600 -- %s', quoted)
                  WHEN reason LIKE '%cannot be read: Permission denied%'
                  THEN format('\! sudo chown -- postgres %s && sudo chmod 0600 -- %1$s', quoted)
                  WHEN reason LIKE '%cannot be read: No such file%' OR reason LIKE '%" is empty%'
                  THEN format('\! (umask 077; read -rsp ''The %s: '' word; echo "$word" >%s)', word, quoted) END END,
        format('SELECT group_api.resume(%L);', server))
      FROM (SELECT substring(reason FROM '_file "(.*)" (?:must be|cannot be read|is empty)'),
                   substring(reason FROM '(password|secret)_file "')) AS p (path, word),
           LATERAL (SELECT '''' || replace(path, '''', '''\''''') || '''') AS q (quoted)
$$;
COMMENT ON FUNCTION group_api_private.provider_remedy(name, text) IS 'internal: what to type into psql so that a provider goes on, by the reason it gave';

CREATE VIEW group_api.dispatcher WITH (security_invoker = true) AS
SELECT d.pid, d.state, d.reason, d.hint, d.courier_pid, d.started_at, d.turns, d.claimed, d.recorded,
       d.held_up_while, d.held_up_table, d.held_up_since, d.failing_while, d.failing_reason, d.failing_since,
       d.overdue, d.courier_silent, d.courier_replaced_at,
       group_api_private.is_adopted() AS is_adopted,
       group_api_private.data_origin() AS data_origin,
       d.since,
       coalesce(d.command,
                CASE WHEN d.reason = 'group_api.dispatch is off'
                     THEN group_api_private.setting_command('group_api.dispatch', 'on')
                     WHEN d.reason LIKE 'default\_transaction\_read\_only is on%'
                     THEN E'SET default_transaction_read_only = off;\n'
                          || group_api_private.setting_command('default_transaction_read_only', 'off')
                     WHEN d.courier_silent IS NOT NULL
                     THEN pg_catalog.format('\! kill -CONT %s', d.courier_pid) END) AS command
  FROM group_api_private.dispatcher_state() d;
COMMENT ON VIEW group_api.dispatcher IS 'the dispatcher of this database, the step a lock is in the way of (the table''s oid; null: rows), and whether the data belong to this database';
COMMENT ON COLUMN group_api.dispatcher.pid IS 'its process; null: none runs';
COMMENT ON COLUMN group_api.dispatcher.state IS 'running, idle (none is needed now), starting, waiting (for a background worker), stopped, no courier, not responding';
COMMENT ON COLUMN group_api.dispatcher.reason IS 'why none runs, in words';
COMMENT ON COLUMN group_api.dispatcher.hint IS 'what would help';
COMMENT ON COLUMN group_api.dispatcher.courier_pid IS 'the process of the courier; null: none runs';
COMMENT ON COLUMN group_api.dispatcher.started_at IS 'when it was started';
COMMENT ON COLUMN group_api.dispatcher.turns IS 'rounds of looking, claiming and recording';
COMMENT ON COLUMN group_api.dispatcher.claimed IS 'messages it took up';
COMMENT ON COLUMN group_api.dispatcher.recorded IS 'outcomes it wrote';
COMMENT ON COLUMN group_api.dispatcher.held_up_while IS 'the step that a lock holds up; null: none is';
COMMENT ON COLUMN group_api.dispatcher.held_up_table IS 'the oid of the table; null: rows hold it up';
COMMENT ON COLUMN group_api.dispatcher.held_up_since IS 'since when';
COMMENT ON COLUMN group_api.dispatcher.failing_while IS 'the step that fails; null: none does';
COMMENT ON COLUMN group_api.dispatcher.failing_reason IS 'with which error';
COMMENT ON COLUMN group_api.dispatcher.failing_since IS 'since when';
COMMENT ON COLUMN group_api.dispatcher.is_adopted IS 'whether the data are this database''s own: false sends nothing until adopt()';
COMMENT ON COLUMN group_api.dispatcher.data_origin IS 'own, empty (no groups yet), moved (by pg_upgrade), foreign (from another database: nothing is sent), or unknown';
COMMENT ON COLUMN group_api.dispatcher.since IS 'since when it is in that trouble; null: in none, or not known';
COMMENT ON COLUMN group_api.dispatcher.command IS 'what to type into psql against it; null: nothing';
COMMENT ON COLUMN group_api.dispatcher.overdue IS 'for how long the dispatcher has been due for a turn that it does not take; null: it is not late';
COMMENT ON COLUMN group_api.dispatcher.courier_silent IS 'for how long the courier, which is asked every second while it has messages, has owed an answer; null: it does not. After 3 s it is replaced';
COMMENT ON COLUMN group_api.dispatcher.courier_replaced_at IS 'when a courier that made no progress was replaced last';

CREATE VIEW group_api.phone_tables WITH (security_invoker = true) AS
SELECT t.as_of, t.age, t.is_old FROM group_api_private.phone_tables() t;
COMMENT ON VIEW group_api.phone_tables IS 'the tables that mobile numbers are checked by: their month, their age in months, and whether they are so old that a length or kind they do not know is accepted (group_api.phone_metadata_months)';
COMMENT ON COLUMN group_api.phone_tables.as_of IS 'their month';
COMMENT ON COLUMN group_api.phone_tables.age IS 'their age in months';
COMMENT ON COLUMN group_api.phone_tables.is_old IS 'whether a length or kind they do not know is accepted, being too old';

CREATE VIEW group_api.waiting WITH (security_invoker = true) AS
SELECT i.group_id, i.number AS member, i.channel, i.contact, i.delivery, i.due, i.reason,
       i.changed_at AS since, i.expires_at
  FROM group_api_private.invitations i
 WHERE i.due IS NOT NULL;
COMMENT ON VIEW group_api.waiting IS 'the invitations that wait to be sent or are being sent';
COMMENT ON COLUMN group_api.waiting.expires_at IS 'when it expires, sent or not';
COMMENT ON COLUMN group_api.waiting.since IS 'when it changed last';
COMMENT ON COLUMN group_api.waiting.group_id IS 'the group';
COMMENT ON COLUMN group_api.waiting.member IS 'the member''s number';
COMMENT ON COLUMN group_api.waiting.channel IS 'MOBILE or EMAIL';
COMMENT ON COLUMN group_api.waiting.contact IS 'where it goes';
COMMENT ON COLUMN group_api.waiting.delivery IS 'queued or sending';
COMMENT ON COLUMN group_api.waiting.due IS 'when it is to be tried next';
COMMENT ON COLUMN group_api.waiting.reason IS 'why it waits, where it is not its first try';

CREATE VIEW group_api.locks WITH (security_invoker = true) AS
SELECT d.held_up_while, d.held_up_table::pg_catalog.regclass AS "table", d.held_up_since,
       coalesce(a.pid, w.pid) AS pid, coalesce(a.usename, w.usename) AS "user", l.mode, l.granted,
       pg_catalog.pg_blocking_pids(l.pid) AS held_up_by, x.gid AS prepared_transaction
  FROM group_api_private.dispatcher_state() d
  LEFT JOIN pg_catalog.pg_locks l ON l.relation = d.held_up_table
        AND l.database = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
        AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN pg_catalog.pg_locks t ON l.pid IS NULL AND t.pid IS NULL AND t.locktype = 'transactionid'
        AND t.virtualtransaction = l.virtualtransaction
  LEFT JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = t.transactionid
  LEFT JOIN LATERAL (SELECT s.pid, s.usename FROM pg_catalog.pg_locks r
          JOIN pg_catalog.pg_stat_activity s ON s.pid = r.pid
         WHERE d.held_up_table IS NULL AND r.locktype = 'transactionid' AND r.granted
           -- Of others' sessions who has no pg_read_all_stats is not told the type.
           AND coalesce(s.backend_type, 'client backend') = 'client backend' AND s.pid IS DISTINCT FROM d.pid
           AND s.datname = pg_catalog.current_database()
         ORDER BY s.xact_start LIMIT 1) w ON true
 WHERE d.held_up_while IS NOT NULL;
COMMENT ON VIEW group_api.locks IS 'locks that the dispatcher does not wait for, but which hold up one of its steps: who holds the table, or waits for it behind held_up_by; where rows hold it up, the oldest transaction that writes';
COMMENT ON COLUMN group_api.locks.held_up_while IS 'the step of the dispatcher';
COMMENT ON COLUMN group_api.locks."table" IS 'the table; null: rows hold it up';
COMMENT ON COLUMN group_api.locks.held_up_since IS 'since when';
COMMENT ON COLUMN group_api.locks.pid IS 'the session; null: a prepared transaction';
COMMENT ON COLUMN group_api.locks."user" IS 'its role';
COMMENT ON COLUMN group_api.locks.mode IS 'the mode of its lock';
COMMENT ON COLUMN group_api.locks.granted IS 'whether it has the lock, or waits for it';
COMMENT ON COLUMN group_api.locks.held_up_by IS 'the sessions it waits for';
COMMENT ON COLUMN group_api.locks.prepared_transaction IS 'its name, where it is one';

CREATE VIEW group_api.set_aside WITH (security_invoker = true) AS
SELECT s.group_id AS "group", s.number AS member, s.step, s.reason, s.since, s.until, s.tries
  FROM group_api_private.set_aside s
 WHERE s.until > pg_catalog.now();
COMMENT ON VIEW group_api.set_aside IS 'the rows at which a step of the dispatcher failed, why, and until when it goes on without them (member 0: the group itself; infinity: for good, the message having killed the courier each time, or none could be made of the row); step read: the row is, or once was, on a page of the disk that cannot be read; retry_failed() has them tried at once';
COMMENT ON COLUMN group_api.set_aside."group" IS 'the group';
COMMENT ON COLUMN group_api.set_aside.member IS 'the member''s number; 0: the group itself';
COMMENT ON COLUMN group_api.set_aside.step IS 'the step of the dispatcher that failed at it: claim, record, read (of a page that is broken), place (a turn in the queue), deadline (expiry, reminder), poll (asking the provider), trim (of the history), take back (what a dispatcher that is gone left); send: the message killed the courier';
COMMENT ON COLUMN group_api.set_aside.reason IS 'the error';
COMMENT ON COLUMN group_api.set_aside.since IS 'since when';
COMMENT ON COLUMN group_api.set_aside.until IS 'when the step tries it again; infinity: when retry_failed() says so';
COMMENT ON COLUMN group_api.set_aside.tries IS 'how often the step failed at it';

CREATE VIEW group_api.webhooks WITH (security_invoker = true) AS
SELECT s.srvname AS server,
       coalesce((SELECT o.option_value FROM pg_catalog.pg_options_to_table(s.srvoptions) o
                  WHERE o.option_name = 'events'), '*') AS events,
       CASE WHEN p.server IS NULL THEN 'ready' WHEN p.until IS NULL THEN 'paused' ELSE 'resting' END AS state,
       p.reason, p.since, p.until, d.waiting, d.dead,
       (SELECT e.at FROM group_api_private.events e WHERE e.id = d.first) AS oldest, d.failed AS last_failure,
       CASE WHEN p.server IS NOT NULL THEN group_api_private.provider_remedy(s.srvname, p.reason) END AS command
  FROM pg_catalog.pg_foreign_server s
  JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
  LEFT JOIN group_api_private.pauses p ON p.server = s.srvname
        AND (p.until <= pg_catalog.clock_timestamp()) IS NOT TRUE
 CROSS JOIN LATERAL (SELECT pg_catalog.count(*) FILTER (WHERE e.due < 'infinity') AS waiting,
               pg_catalog.count(*) FILTER (WHERE e.due = 'infinity') AS dead,
               pg_catalog.min(e.event) FILTER (WHERE e.due < 'infinity') AS first,
               (pg_catalog.array_agg(e.failed ORDER BY e.event DESC) FILTER (WHERE e.failed IS NOT NULL))[1] AS failed
          FROM group_api_private.event_deliveries e
         WHERE e.listener = s.srvname::pg_catalog.text COLLATE pg_catalog."default") d
 WHERE w.fdwname = 'group_api_webhook'
   AND EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e
                  ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
               WHERE d.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass
                 AND d.objid = w.oid AND d.deptype = 'e' AND e.extname = 'group_api')
 ORDER BY s.srvname;
COMMENT ON VIEW group_api.webhooks IS 'the webhooks of this database: ready, paused (until resumed or changed) or resting, how many events wait for each, and how many are dead letters, which replay_events() sends again';
COMMENT ON COLUMN group_api.webhooks.server IS 'the name of the foreign server';
COMMENT ON COLUMN group_api.webhooks.events IS 'which events it hears of';
COMMENT ON COLUMN group_api.webhooks.state IS 'ready, paused, or resting';
COMMENT ON COLUMN group_api.webhooks.reason IS 'why it is paused or rests';
COMMENT ON COLUMN group_api.webhooks.since IS 'since when it is paused or rests';
COMMENT ON COLUMN group_api.webhooks.until IS 'when the rest ends; null: it does not rest';
COMMENT ON COLUMN group_api.webhooks.waiting IS 'how many events it is still to be told';
COMMENT ON COLUMN group_api.webhooks.dead IS 'how many events it did not take in three days';
COMMENT ON COLUMN group_api.webhooks.oldest IS 'when the first happened of those that wait; null: none waits';
COMMENT ON COLUMN group_api.webhooks.last_failure IS 'why an event that waits or is a dead letter was not taken; of the newest of them';
COMMENT ON COLUMN group_api.webhooks.command IS 'what ends a pause or a rest; null: it is ready';

CREATE VIEW group_api.consumers WITH (security_invoker = true) AS
SELECT c.name, c.contacts, c.created_at,
       d.waiting, (SELECT e.at FROM group_api_private.events e WHERE e.id = d.first) AS oldest,
       coalesce(r.rolname, c.role) AS role
  FROM group_api_private.consumers c
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = c.role_oid
        AND c.role_cluster = (SELECT s.system_identifier FROM pg_catalog.pg_control_system() s)
 CROSS JOIN LATERAL (SELECT pg_catalog.count(*) AS waiting, pg_catalog.min(e.event) AS first
          FROM group_api_private.event_deliveries e WHERE e.listener = c.name) d;
COMMENT ON VIEW group_api.consumers IS 'who asks for events by next_events(), and how many wait for each';
COMMENT ON COLUMN group_api.consumers.name IS 'as next_events() and ack_events() call it';
COMMENT ON COLUMN group_api.consumers.contacts IS 'whether its events tell the members addresses';
COMMENT ON COLUMN group_api.consumers.created_at IS 'since when events are kept for it';
COMMENT ON COLUMN group_api.consumers.waiting IS 'how many events it has not acknowledged';
COMMENT ON COLUMN group_api.consumers.oldest IS 'when the first of these happened; null: none waits';
COMMENT ON COLUMN group_api.consumers.role IS 'the role that it is for; where it is gone, as it was called when the consumer was made; null: every role that may call next_events()';

CREATE VIEW group_api.stat_providers WITH (security_invoker = true) AS
SELECT p.server, p.kind, p.channel,
       CASE WHEN p.state <> 'ready' THEN p.state
            WHEN f.failing_since IS NOT NULL THEN 'failing' ELSE p.state END AS state,
       p.reason, p.since,
       coalesce(p.until, pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) f.rests_for) AS rests_until,
       coalesce(f.in_flight, 0) AS in_flight, f."window", coalesce(f.rate, 0) AS rate,
       coalesce(f.accepted, 0) AS accepted, coalesce(f.rejected, 0) AS rejected, coalesce(f.retried, 0) AS retried,
       coalesce(f.misconfigured, 0) AS misconfigured, coalesce(f.uncertain, 0) AS uncertain,
       f.latency_p50, f.latency_p95, f.latency_p99,
       f.last_accepted_at, f.last_error_at, f.last_error, f.failing_since, coalesce(f.failures, 0) AS failures,
       f.silent_for, f.counted_since
  FROM group_api.providers p
  LEFT JOIN group_api_private.provider_figures() f ON f.server = p.server;
COMMENT ON VIEW group_api.stat_providers IS 'each provider with what became of its messages since counting began, which is when the server started or the provider was made';
COMMENT ON COLUMN group_api.stat_providers.server IS 'the provider, a server of CREATE SERVER';
COMMENT ON COLUMN group_api.stat_providers.kind IS 'what it speaks, as in its foreign-data wrapper: smtp, twilio ...';
COMMENT ON COLUMN group_api.stat_providers.channel IS 'EMAIL or MOBILE';
COMMENT ON COLUMN group_api.stat_providers.state IS 'ready, paused (until resumed or changed), resting (until rests_until), or failing: its last answers blame the provider, and it is tried again and again';
COMMENT ON COLUMN group_api.stat_providers.reason IS 'why it is paused or rests';
COMMENT ON COLUMN group_api.stat_providers.since IS 'since when it is paused or rests';
COMMENT ON COLUMN group_api.stat_providers.rests_until IS 'until when nothing is sent to it, as it asked, or since it failed five times in a row; null: it does not rest';
COMMENT ON COLUMN group_api.stat_providers.in_flight IS 'messages and questions in the courier''s hands';
COMMENT ON COLUMN group_api.stat_providers."window" IS 'how many may be in flight: it follows the provider''s speed';
COMMENT ON COLUMN group_api.stat_providers.rate IS 'tries that ended, a second, over the last minute';
COMMENT ON COLUMN group_api.stat_providers.accepted IS 'tries that the provider took over';
COMMENT ON COLUMN group_api.stat_providers.rejected IS 'tries refused for good';
COMMENT ON COLUMN group_api.stat_providers.retried IS 'tries that failed for passing reasons';
COMMENT ON COLUMN group_api.stat_providers.misconfigured IS 'tries that our account or settings made fail';
COMMENT ON COLUMN group_api.stat_providers.uncertain IS 'tries without an answer after the message was handed over';
COMMENT ON COLUMN group_api.stat_providers.latency_p50 IS 'how long half of the tries took at the most, this hour and the last; off by a fifth at the most';
COMMENT ON COLUMN group_api.stat_providers.latency_p95 IS 'how long 95 of 100 tries took at the most';
COMMENT ON COLUMN group_api.stat_providers.latency_p99 IS 'how long 99 of 100 tries took at the most';
COMMENT ON COLUMN group_api.stat_providers.last_accepted_at IS 'when it took a message over last';
COMMENT ON COLUMN group_api.stat_providers.last_error_at IS 'when a try last ended otherwise';
COMMENT ON COLUMN group_api.stat_providers.last_error IS 'the provider''s own words then';
COMMENT ON COLUMN group_api.stat_providers.failing_since IS 'since when every answer blames the provider; null: the last one did not';
COMMENT ON COLUMN group_api.stat_providers.failures IS 'how many such answers in a row';
COMMENT ON COLUMN group_api.stat_providers.silent_for IS 'for how long what is in flight got no answer; null: nothing is in flight';
COMMENT ON COLUMN group_api.stat_providers.counted_since IS 'when counting began; null: the pool of counters is used up, or nothing was sent';

CREATE VIEW group_api.stat_deliveries WITH (security_invoker = true) AS
SELECT h.server, h.at, h.sent, h.failed, h.uncertain, h.put_off
  FROM group_api_private.provider_history() h
 ORDER BY h.at, h.server;
COMMENT ON VIEW group_api.stat_deliveries IS 'what became of the messages of the last 24 hours, by provider and quarter of an hour; gone when the server restarts';
COMMENT ON COLUMN group_api.stat_deliveries.server IS 'the provider';
COMMENT ON COLUMN group_api.stat_deliveries.at IS 'when the quarter of an hour began';
COMMENT ON COLUMN group_api.stat_deliveries.sent IS 'messages that it took over';
COMMENT ON COLUMN group_api.stat_deliveries.failed IS 'messages refused for good, given up, or expired';
COMMENT ON COLUMN group_api.stat_deliveries.uncertain IS 'messages without an answer that were not tried again (on_uncertain = hold)';
COMMENT ON COLUMN group_api.stat_deliveries.put_off IS 'tries after which the message waits for another';

CREATE VIEW group_api.stat_dispatcher WITH (security_invoker = true) AS
SELECT d.pid, d.state, d.reason, d.since, d.started_at, d.courier_pid, d.turns, d.claimed, d.recorded,
       d.overdue, d.courier_silent, d.courier_replaced_at,
       d.held_up_while, d.held_up_since, d.failing_while, d.failing_reason, d.failing_since
  FROM group_api_private.dispatcher_state() d;
COMMENT ON VIEW group_api.stat_dispatcher IS 'the dispatcher of this database: one row, whether or not one runs';
COMMENT ON COLUMN group_api.stat_dispatcher.pid IS 'its process; null: none runs';
COMMENT ON COLUMN group_api.stat_dispatcher.state IS 'running, idle (none is needed now), starting, waiting (for a background worker), stopped, no courier, not responding';
COMMENT ON COLUMN group_api.stat_dispatcher.reason IS 'why nothing is sent; null: it would be';
COMMENT ON COLUMN group_api.stat_dispatcher.since IS 'since when that is so; null: not known';
COMMENT ON COLUMN group_api.stat_dispatcher.started_at IS 'when it started';
COMMENT ON COLUMN group_api.stat_dispatcher.courier_pid IS 'the process of the program that sends; null: none runs';
COMMENT ON COLUMN group_api.stat_dispatcher.turns IS 'turns of its loop since the database was first served';
COMMENT ON COLUMN group_api.stat_dispatcher.claimed IS 'messages it took from the queue';
COMMENT ON COLUMN group_api.stat_dispatcher.recorded IS 'outcomes it wrote down';
COMMENT ON COLUMN group_api.stat_dispatcher.overdue IS 'for how long it is due for a turn that it does not take; null: it is not late';
COMMENT ON COLUMN group_api.stat_dispatcher.courier_silent IS 'for how long the courier has owed an answer; null: it does not';
COMMENT ON COLUMN group_api.stat_dispatcher.courier_replaced_at IS 'when a courier that made no progress was replaced last';
COMMENT ON COLUMN group_api.stat_dispatcher.held_up_while IS 'the step that a lock is in the way of; null: none';
COMMENT ON COLUMN group_api.stat_dispatcher.held_up_since IS 'since when';
COMMENT ON COLUMN group_api.stat_dispatcher.failing_while IS 'the step that fails; null: none';
COMMENT ON COLUMN group_api.stat_dispatcher.failing_reason IS 'with which error';
COMMENT ON COLUMN group_api.stat_dispatcher.failing_since IS 'since when';

CREATE VIEW group_api.library WITH (security_invoker = true) AS
SELECT group_api_private.library_version() AS library_version,
       (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'group_api') AS extension_version,
       -- A language's words serve all its regions, however the setting is written: de_DE.UTF-8.
       (SELECT pg_catalog.string_agg(c.channel::pg_catalog.text, ' and ')
          FROM pg_catalog.unnest(pg_catalog.enum_range(NULL::group_api.channel)) c (channel)
         WHERE pg_catalog.split_part(group_api_private.default_words(c.channel), '-', 1)
               <> pg_catalog.lower(pg_catalog."substring"(pg_catalog.current_setting('group_api.default_locale'), '^[A-Za-z]+'))) AS words_lacking,
       group_api_private.setting_command('group_api.default_locale', '''en''') AS words_command;
COMMENT ON VIEW group_api.library IS 'the versions of the library that the server loaded and of the extension in this database, and whether there are words in group_api.default_locale';
COMMENT ON COLUMN group_api.library.library_version IS 'of the shared library';
COMMENT ON COLUMN group_api.library.extension_version IS 'of the SQL, as CREATE or ALTER EXTENSION made it';
COMMENT ON COLUMN group_api.library.words_lacking IS 'the channels for which there are no words in group_api.default_locale, so that English is used; null: none';
COMMENT ON COLUMN group_api.library.words_command IS 'what puts group_api.default_locale right where there are none';

CREATE VIEW group_api.stat_progress WITH (security_invoker = true) AS
SELECT p.pid, p.action, p.started_at, p.done, p.total
  FROM group_api_private.progress() p;
COMMENT ON VIEW group_api.stat_progress IS 'long work that is under way in this database: in_batches() of sessions, expiries of the dispatcher';
COMMENT ON COLUMN group_api.stat_progress.pid IS 'the process that does it';
COMMENT ON COLUMN group_api.stat_progress.action IS 'retry_failed, resend, cancel or expire';
COMMENT ON COLUMN group_api.stat_progress.started_at IS 'when it began';
COMMENT ON COLUMN group_api.stat_progress.done IS 'how many invitations are done';
COMMENT ON COLUMN group_api.stat_progress.total IS 'how many there were when it began; null: not known';

CREATE FUNCTION group_api.timeline(group_id uuid, member integer)
    RETURNS TABLE (at timestamptz, event text, server name, code text, detail text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT e.at, e.event, e.server, e.code, e.detail
      FROM (SELECT 1 AS part, g.created_at AS at, 'queued' AS event, NULL::name AS server, NULL::text AS code,
                   CASE WHEN i.contact IS NULL THEN format('no message, in the group %s', g.name)
                        ELSE format('%s to %s, in the group %s', i.channel, i.contact, g.name) END AS detail
              FROM group_api_private.invitations i JOIN group_api_private.groups g ON g.id = i.group_id
             WHERE i.group_id = timeline.group_id AND i.number = timeline.member
            UNION ALL
            SELECT 2, a.started_at, 'attempt: ' || a.outcome, a.server, a.code,
                   concat_ws('; ', a.detail, a.elapsed::text, 'again at ' || a.next_at)
              FROM group_api.attempts a WHERE a.group_id = timeline.group_id AND a.member = timeline.member
            UNION ALL
            SELECT 3, r.received_at, 'receipt: ' || coalesce(r.status, r.result), r.server, r.code, r.result
              FROM group_api.receipts r WHERE r.group_id = timeline.group_id AND r.member = timeline.member
            UNION ALL
            SELECT 4, i.responded_at, 'answer: ' || i.response, NULL, NULL, NULL
              FROM group_api_private.invitations i
             WHERE i.group_id = timeline.group_id AND i.number = timeline.member AND i.responded_at IS NOT NULL
            UNION ALL
            SELECT 5, CASE WHEN i.delivery = 'queued' AND i.due IS NOT NULL THEN i.due ELSE i.changed_at END,
                   CASE WHEN i.delivery = 'queued' AND i.due IS NOT NULL THEN 'next try' ELSE 'now: ' || coalesce(i.delivery::text, 'no message') END,
                   i.server::name, NULL, i.reason
              FROM group_api_private.invitations i
             WHERE i.group_id = timeline.group_id AND i.number = timeline.member) e
     ORDER BY e.part = 5, e.at, e.part;
END;
COMMENT ON FUNCTION group_api.timeline(uuid, integer) IS
$$What happened to one invitation, a row each: queued, every attempt with the provider's words, every receipt, the answer, and
last what it is now or when it is tried next.  No rows: there is no such invitation.$$;

-- Health --------------------------------------------------------------------
--
-- Each function below looks at one subject and answers a row for each finding, or one
-- that says that all is well.  health() binds them when it is created, so whoever may call
-- it needs no right to name them; what they name is in the schema group_api.  What cannot be
-- looked at, for a lock or an error, is "unknown", with the error and its SQLSTATE as fact and
-- hint; health() says what that means.

CREATE FUNCTION group_api_private.health_dispatcher(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dispatcher record;
    origin text;
    adopted boolean;
BEGIN
    "check" := 'dispatcher';
    severity := 'ok';
    BEGIN
        SELECT d.state, d.reason, d.hint, d.since, d.command, d.courier_silent, d.courier_replaced_at INTO dispatcher
          FROM group_api.dispatcher d;
        fact := concat_ws('; ', coalesce(dispatcher.reason, dispatcher.state),
            'the courier has not answered for ' || floor(extract(epoch FROM dispatcher.courier_silent)) || ' s and is about to be replaced',
            'a courier that made no progress was replaced at ' || date_trunc('second', dispatcher.courier_replaced_at));
        IF pg_is_in_recovery() THEN
            fact := 'this server is a standby: nothing is sent here, the primary sends';
        ELSIF dispatcher.state NOT IN ('running', 'idle', 'starting') OR dispatcher.courier_silent IS NOT NULL
              OR dispatcher.command IS NOT NULL THEN
            severity := 'critical';
            since := coalesce(clock_timestamp() - dispatcher.courier_silent, dispatcher.since, pg_conf_load_time());
            hint := dispatcher.hint;
            command := dispatcher.command;
        END IF;
    -- A lock first: its SQLSTATE is of the class that the next condition stands for.
    EXCEPTION WHEN lock_not_available THEN
        severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
    WHEN object_not_in_prerequisite_state THEN
        -- Others raise it, too; our settings are there if and only if the library was loaded.
        IF EXISTS (SELECT FROM pg_settings s WHERE s.name = 'group_api.invitation_url') THEN
            severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
        ELSE
            severity := 'critical';
            since := pg_postmaster_start_time();
            fact := 'the server was started without group_api';
            hint := 'add group_api to shared_preload_libraries and restart';
            -- Who may not read what is loaded now would be told to unload it.
            command := CASE WHEN pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')
                THEN format(E'ALTER SYSTEM SET shared_preload_libraries = %s;\n\\! pg_ctl restart -D "$PGDATA"',
                            concat_ws(', ', nullif(current_setting('shared_preload_libraries'), ''), 'group_api')) END;
        END IF;
    WHEN OTHERS THEN
        severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
    END;
    hint := coalesce(hint, command);
    RETURN NEXT;

    "check" := 'adopted';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        SELECT d.data_origin, d.is_adopted INTO origin, adopted FROM group_api.dispatcher d;
        fact := CASE origin
            WHEN 'foreign' THEN 'the data come from another database: nothing is sent'
            WHEN 'unknown' THEN 'not known: see the check "dispatcher"'
            WHEN 'moved' THEN 'the data belong to this database; pg_upgrade moved them here from another cluster'
            ELSE 'the data belong to this database' END;
        hint := CASE origin
            WHEN 'foreign' THEN 'SELECT group_api.adopt(dry_run => true); says what would be sent, SELECT group_api.adopt(); sends it'
            WHEN 'unknown' THEN 'see the check "dispatcher"'
            WHEN 'moved' THEN 'if the old cluster still runs, or a copy was upgraded, both send: set group_api.dispatch = off in one' END;
        IF NOT adopted THEN
            severity := 'critical';
            since := coalesce(dispatcher.since, pg_postmaster_start_time());
            command := CASE origin WHEN 'foreign' THEN 'SELECT group_api.adopt();' ELSE dispatcher.command END;
        END IF;
    EXCEPTION WHEN OTHERS THEN severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
    END;
    RETURN NEXT;

    -- What reads here are answered by.
    IF pg_is_in_recovery() THEN
        "check" := 'replay';
        severity := 'ok'; since := NULL; hint := NULL; command := NULL;
        fact := 'what is read here is what was received; the last transaction was committed at '
            || coalesce(date_trunc('milliseconds', pg_last_xact_replay_timestamp())::text, 'a time that is not known');
        IF pg_get_wal_replay_pause_state() <> 'not paused' THEN
            severity := 'warning';
            fact := 'replay is paused: what is read here gets older';
            command := 'SELECT pg_wal_replay_resume();';
        ELSIF pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn() THEN
            fact := format('what is read here is %s bytes behind what was received; it was committed at %s',
                pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn(), date_trunc('milliseconds', pg_last_xact_replay_timestamp()));
            -- The longest that a query of the standby's own holds replay up, by default 30 s, is no fault.
            IF pg_last_xact_replay_timestamp() < clock_timestamp() - interval '1 minute' THEN
                severity := 'warning';
                since := pg_last_xact_replay_timestamp();
                hint := 'a long query may hold it up';
                command := 'SELECT pid, now() - query_start AS runs_for, query FROM pg_stat_activity WHERE state <> ''idle'' ORDER BY query_start;';
            END IF;
        END IF;
        hint := coalesce(hint, command);
        RETURN NEXT;
    END IF;
END $$;
COMMENT ON FUNCTION group_api_private.health_dispatcher() IS 'internal: health() of the dispatcher and its courier, whose data these are, and of a standby how far it lags';

CREATE VIEW group_api.provider_troubles WITH (security_invoker = true) AS
SELECT p.server, p.channel, p.state, coalesce(p.since, p.failing_since) AS since,
       CASE p.state WHEN 'paused' THEN pg_catalog.format('%s is paused: %s', p.server, p.reason)
                    WHEN 'resting' THEN pg_catalog.format('%s rests until %s: %s', p.server,
                                                          pg_catalog.to_char(p.rests_until, 'HH24:MI'), p.reason)
                    WHEN 'failing' THEN pg_catalog.format('%s has failed since %s, %s times: %s', p.server,
                                                          pg_catalog.to_char(p.failing_since, 'HH24:MI:SS'), p.failures, p.last_error)
                    ELSE pg_catalog.format('%s has not answered for %s s', p.server,
                                           pg_catalog.floor(extract(epoch FROM p.silent_for))) END AS fact,
       CASE WHEN p.state = 'ready' THEN pg_catalog.format('SELECT group_api.pause(%L);', p.server)
            ELSE group_api_private.provider_remedy(p.server, coalesce(p.reason, p.last_error)) END AS command
  FROM group_api.stat_providers p
 WHERE p.state <> 'ready' OR p.silent_for > interval '4 s';
COMMENT ON VIEW group_api.provider_troubles IS 'the providers that take no messages now, why, and what to type into psql against it';
COMMENT ON COLUMN group_api.provider_troubles.server IS 'the provider';
COMMENT ON COLUMN group_api.provider_troubles.channel IS 'EMAIL or MOBILE';
COMMENT ON COLUMN group_api.provider_troubles.state IS 'paused, resting, failing; ready: it is slow to answer';
COMMENT ON COLUMN group_api.provider_troubles.since IS 'since when';
COMMENT ON COLUMN group_api.provider_troubles.fact IS 'why, in the provider''s own words';
COMMENT ON COLUMN group_api.provider_troubles.command IS 'what helps';

-- Which contacts a provider takes: any, or those that begin so (a domain, of an address).
CREATE VIEW group_api.provider_routes WITH (security_invoker = true) AS
SELECT p.server, p.channel, p.state, p.kind,
       coalesce((SELECT o.option_value FROM pg_catalog.pg_options_to_table(s.srvoptions) o WHERE o.option_name = 'priority'), '100')::integer AS priority,
       x.prefix,
       CASE WHEN x.prefix IS NULL THEN '%' WHEN p.channel = 'EMAIL' THEN '%@' || x.prefix ELSE x.prefix || '%' END AS pattern
  FROM group_api.stat_providers p
  JOIN pg_catalog.pg_foreign_server s ON s.srvname = p.server
  LEFT JOIN pg_catalog.pg_options_to_table(s.srvoptions) o ON o.option_name = 'prefixes'
  LEFT JOIN pg_catalog.regexp_split_to_table(pg_catalog.regexp_replace(pg_catalog.btrim(o.option_value, ', '), '([\\%_])', '\\\1', 'g'), '[, ]+') x (prefix)
         ON x.prefix <> '';
COMMENT ON VIEW group_api.provider_routes IS 'which provider takes which contacts, one row for each of its prefixes';
COMMENT ON COLUMN group_api.provider_routes.server IS 'the provider';
COMMENT ON COLUMN group_api.provider_routes.channel IS 'EMAIL or MOBILE';
COMMENT ON COLUMN group_api.provider_routes.state IS 'as in stat_providers';
COMMENT ON COLUMN group_api.provider_routes.kind IS 'what it speaks';
COMMENT ON COLUMN group_api.provider_routes.priority IS 'the lowest goes first';
COMMENT ON COLUMN group_api.provider_routes.prefix IS 'the beginning of a number, or the domain of an address; null: every contact';
COMMENT ON COLUMN group_api.provider_routes.pattern IS 'the same, for LIKE';

CREATE FUNCTION group_api_private.health_channels(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted group_api.channel;
    waiting record;
    trouble record;
    takers bigint;
    unreachable bigint;
    patterns text[];
    narrow record;
    sent_at timestamptz;
    bound interval := current_setting('group_api.max_wait', true);
BEGIN
    FOREACH wanted IN ARRAY enum_range(NULL::group_api.channel) LOOP
        "check" := 'provider for ' || wanted;
        severity := 'ok'; since := NULL; hint := NULL; command := NULL;
        BEGIN
            SELECT count(*) AS total, count(*) FILTER (WHERE i.due > now() AND i.reason LIKE 'later: %') AS capped,
                   min(i.since) AS oldest,
                   -- What is being sent keeps its date; what was put off waits from then on.
                   min(greatest(i.since, i.due)) FILTER (WHERE i.due <= now() AND i.delivery = 'queued') AS oldest_due,
                   min(i.expires_at) FILTER (WHERE i.expires_at < now() + interval '1 hour') AS expires,
                   count(*) FILTER (WHERE i.expires_at < now() + interval '1 hour') AS expiring
              INTO waiting FROM group_api.waiting i WHERE i.channel = wanted;
            fact := format('%s waiting', waiting.total);
            IF waiting.capped > 0 THEN
                fact := fact || format(', %s of them for a daily cap or a cool-down', waiting.capped);
            END IF;
            SELECT count(DISTINCT r.server) FILTER (WHERE r.state = 'ready'), array_agg(r.pattern) FILTER (WHERE r.state = 'ready')
              INTO takers, patterns FROM group_api.provider_routes r WHERE r.channel = wanted::text;
            -- The one that an operator can do most about comes first.
            SELECT t.* INTO trouble FROM group_api.provider_troubles t WHERE t.channel = wanted::text AND t.state <> 'ready'
             ORDER BY array_position(ARRAY['paused', 'failing', 'resting'], t.state), t.since LIMIT 1;
            unreachable := 0;
            IF takers > 0 THEN
                SELECT count(*) INTO unreachable FROM group_api.waiting i
                 WHERE i.channel = wanted AND i.due <= now() AND NOT i.contact LIKE ANY (patterns);
            END IF;
            IF takers > 0 AND unreachable = 0 THEN
                NULL;
            ELSIF takers > 0 THEN
                severity := 'critical';
                fact := fact || format(', %s of them for no provider that is ready', unreachable);
                since := waiting.oldest;
                hint := 'give one of the providers these prefixes, or none: SELECT * FROM group_api.providers;';
                SELECT format('ALTER SERVER %I OPTIONS (DROP prefixes);', r.server) INTO command
                  FROM group_api.provider_routes r
                 WHERE r.channel = wanted::text AND r.prefix IS NOT NULL ORDER BY r.priority, r.server LIMIT 1;
            ELSIF trouble.server IS NULL THEN
                fact := fact || '; no provider';
                hint := format('CREATE SERVER name FOREIGN DATA WRAPPER group_api_%s OPTIONS (...);',
                               CASE wanted WHEN 'EMAIL' THEN 'smtp' ELSE 'twilio' END);
                IF waiting.total > 0 THEN
                    severity := 'critical';
                    since := waiting.oldest;
                    command := CASE wanted WHEN 'EMAIL'
                        THEN 'CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp OPTIONS (url ''smtp://localhost'', sender ''you@example.com'');'
                        ELSE 'CREATE SERVER sms FOREIGN DATA WRAPPER group_api_http OPTIONS (channel ''MOBILE'', url ''https://gateway.example.com/send'');' END;
                END IF;
            END IF;
            IF trouble.server IS NOT NULL AND (takers = 0 OR unreachable > 0) THEN
                IF trouble.state = 'paused' OR waiting.total > 0 THEN
                    severity := 'critical';
                    since := trouble.since;
                    command := trouble.command;
                END IF;
                fact := fact || '; ' || trouble.fact;
                hint := CASE trouble.state WHEN 'paused' THEN trouble.command
                    WHEN 'resting' THEN format('the rest ends by itself; SELECT group_api.resume(%L); ends it now', trouble.server)
                    ELSE format('put it right (SELECT group_api.test_provider(%L, ''a contact''); tries it), then %s', trouble.server, trouble.command) END;
            ELSE
                FOR trouble IN SELECT t.* FROM group_api.provider_troubles t WHERE t.channel = wanted::text AND t.state = 'resting' LOOP
                    fact := fact || '; ' || trouble.fact;
                END LOOP;
            END IF;
            FOR narrow IN SELECT p.server, p.max_connections FROM group_api.providers p
                    WHERE p.channel = wanted::text AND p.max_connections IS NOT NULL LOOP
                fact := fact || format('; %s allows %s connections, fewer than max_connections', narrow.server, narrow.max_connections);
            END LOOP;
        EXCEPTION WHEN OTHERS THEN severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
        END;
        RETURN NEXT;
        CONTINUE WHEN severity <> 'ok';

        -- By progress: whatever the cause, of messages that are due some are to leave.
        BEGIN
            SELECT max(greatest(p.last_accepted_at, p.last_error_at)) INTO sent_at
              FROM group_api.stat_providers p WHERE p.channel = wanted::text;
            IF waiting.oldest_due < clock_timestamp() - interval '10 s'
               AND coalesce(sent_at < clock_timestamp() - interval '10 s', true)
               -- One that is slow to answer is told below, one of less than a message in ten seconds not at all.
               AND NOT EXISTS (SELECT FROM group_api.stat_providers p WHERE p.channel = wanted::text AND p.in_flight > 0)
               AND NOT EXISTS (SELECT FROM group_api.provider_routes r JOIN pg_foreign_server s ON s.srvname = r.server,
                                      pg_options_to_table(s.srvoptions) o
                                WHERE r.channel = wanted::text AND o.option_name = 'rate'
                                  AND o.option_value::float8 > 0 AND o.option_value::float8 <= 0.1) THEN
                "check" := 'progress of ' || wanted;
                severity := 'critical';
                since := greatest(sent_at, waiting.oldest_due);
                fact := format('%s wait and none was tried since %s', waiting.total, date_trunc('second', since));
                hint := 'the server''s log tells more; a dispatcher that is ended is started again';
                command := 'SELECT pg_terminate_backend(pid) FROM group_api.dispatcher;';
                RETURN NEXT;
            END IF;
            IF bound > interval '0' AND waiting.oldest_due < clock_timestamp() - bound THEN
                "check" := 'waiting ' || wanted;
                severity := 'warning';
                since := waiting.oldest_due + bound;
                fact := format('the oldest of %s has waited since %s, longer than group_api.max_wait', waiting.total,
                               date_trunc('second', waiting.oldest_due));
                hint := 'see how fast it goes, and what bounds it: rate and max_connections of the provider';
                command := 'SELECT server, state, rate, "window", in_flight FROM group_api.stat_providers;';
                RETURN NEXT;
            END IF;
            IF waiting.expiring > 0 AND waiting.oldest < clock_timestamp() - interval '1 minute' THEN
                "check" := 'expiring ' || wanted;
                severity := 'warning';
                since := waiting.oldest;
                fact := format('%s that wait expire unsent within the hour, the first at %s', waiting.expiring, date_trunc('second', waiting.expires));
                hint := 'SELECT * FROM group_api.waiting ORDER BY expires_at; lists them';
                command := hint;
                command := 'SELECT * FROM group_api.waiting WHERE expires_at < now() + interval ''1 hour'' ORDER BY expires_at;';
                RETURN NEXT;
            END IF;
            -- Others take over what these do not.
            FOR trouble IN SELECT t.* FROM group_api.provider_troubles t WHERE t.channel = wanted::text LOOP
                "check" := 'provider ' || trouble.server;
                severity := CASE WHEN trouble.state IN ('failing', 'ready') AND waiting.total > 0 THEN 'warning' ELSE 'notice' END;
                since := trouble.since;
                fact := trouble.fact;
                hint := CASE trouble.state WHEN 'ready' THEN 'what is under way is waited for until its time-out' ELSE trouble.command END;
                command := trouble.command;
                RETURN NEXT;
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
END $$;
COMMENT ON FUNCTION group_api_private.health_channels() IS 'internal: health() of the channels, what waits in them and who takes it';

CREATE FUNCTION group_api_private.health_steps(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder record;
    failing record;
    aside bigint;
    row_aside record;
    triggers record;
BEGIN
    "check" := 'locks';
    severity := 'ok';
    BEGIN
        SELECT l.* INTO holder FROM group_api.locks l ORDER BY l.granted DESC NULLS LAST, l.pid LIMIT 1;
        fact := 'nothing is in the way';
        -- One that is gone is in nobody's way: the step is tried again within half a second.
        IF holder.held_up_since <= clock_timestamp() - interval '300 ms'
           AND (holder."table" IS NULL OR holder.pid IS NOT NULL OR holder.prepared_transaction IS NOT NULL) THEN
            severity := 'critical';
            since := holder.held_up_since;
            fact := format('%s has been held up for %s s by a lock on %s%s', holder.held_up_while,
                extract(epoch FROM clock_timestamp() - holder.held_up_since)::integer,
                coalesce(holder."table"::text, 'rows'),
                CASE WHEN holder.prepared_transaction IS NOT NULL
                     THEN format(': the prepared transaction %L holds it', holder.prepared_transaction)
                     WHEN holder.pid IS NULL THEN ''
                     WHEN holder."table" IS NULL
                     THEN format('; the oldest transaction that writes is of pid %s (%s)', holder.pid, holder."user")
                     WHEN holder.granted THEN format(': pid %s (%s) holds it', holder.pid, holder."user")
                     ELSE format(': pid %s (%s) waits for it behind pid %s', holder.pid, holder."user",
                                 array_to_string(holder.held_up_by, ', ')) END);
            hint := CASE WHEN holder.prepared_transaction IS NOT NULL
                         THEN format('COMMIT PREPARED %1$L; or ROLLBACK PREPARED %1$L;', holder.prepared_transaction)
                         WHEN holder.pid IS NOT NULL
                         THEN format('end that transaction: SELECT pg_terminate_backend(%s);', holder.pid)
                         ELSE 'SELECT * FROM pg_locks WHERE NOT granted;' END;
            command := CASE WHEN holder.prepared_transaction IS NOT NULL
                            THEN format('ROLLBACK PREPARED %L;', holder.prepared_transaction)
                            WHEN holder.pid IS NOT NULL
                            THEN format('SELECT pg_terminate_backend(%s);', holder.pid)
                            ELSE 'SELECT * FROM pg_locks WHERE NOT granted;' END;
        END IF;
    EXCEPTION WHEN OTHERS THEN severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
    END;
    RETURN NEXT;

    "check" := 'errors';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        SELECT d.failing_while, d.failing_reason, d.failing_since INTO failing FROM group_api.dispatcher d;
        SELECT count(*) INTO aside FROM group_api.set_aside;
        SELECT s.* INTO row_aside FROM group_api.set_aside s ORDER BY s.since, s."group", s.member LIMIT 1;
        -- No trigger is a member of an extension: ours are told by their functions.
        SELECT string_agg(format('ALTER TABLE %s DISABLE TRIGGER %I;', t.relation, t.tgname), E'\n' ORDER BY t.relation::text, t.tgname)
                   FILTER (WHERE NOT t.is_ours AND t.tgenabled <> 'D') AS disable,
               string_agg(format('ALTER TABLE %s ENABLE %sTRIGGER %I;', t.relation, CASE WHEN t.is_for_replicas THEN 'ALWAYS ' END, t.tgname),
                          E'\n' ORDER BY t.relation::text, t.tgname) FILTER (WHERE t.is_silenced) AS enable,
               string_agg(format('the trigger %s of %s is %s', t.tgname, t.relation,
                                 CASE t.tgenabled WHEN 'O' THEN 'not enabled always' ELSE 'disabled' END),
                          '; ' ORDER BY t.relation::text, t.tgname) FILTER (WHERE t.is_silenced) AS fact
          INTO triggers
          FROM (SELECT o.*, o.is_ours AND (o.tgenabled IN ('D', 'R') OR o.is_for_replicas AND o.tgenabled <> 'A') AS is_silenced
                  FROM (SELECT t.tgname, t.tgenabled, c.oid::regclass AS relation, c.relname = 'installation' AS is_for_replicas,
                               EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'group_api'
                                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid
                                          AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') AS is_ours
                          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE NOT t.tgisinternal AND n.nspname = 'group_api_private'
                           AND c.relname IN ('invitations', 'attempts', 'groups', 'members', 'polls', 'sends', 'captured', 'installation')) o) t;
        fact := 'no step fails';
        IF failing.failing_while IS NOT NULL OR aside > 0 THEN
            severity := 'critical';
            since := least(failing.failing_since, row_aside.since);
            fact := concat_ws('; ',
                CASE WHEN failing.failing_while IS NOT NULL
                     THEN format('%s has failed since %s: %s', failing.failing_while,
                                 date_trunc('second', failing.failing_since), failing.failing_reason) END,
                CASE WHEN aside > 0
                     THEN format('%s set aside; member %s of group %s at the step "%s": %s', aside,
                                 row_aside.member, row_aside."group", row_aside.step, row_aside.reason) END);
            hint := 'remove the cause (SELECT * FROM group_api.set_aside; and the server''s log tell more), then SELECT group_api.retry_failed();';
            -- Triggers of others are what makes our statements fail most.
            command := concat_ws(E'\n', triggers.disable, 'SELECT group_api.retry_set_aside();');
        END IF;
        IF triggers.enable IS NOT NULL THEN
            fact := concat_ws('; ', CASE WHEN severity <> 'ok' THEN fact END, triggers.fact);
            hint := concat_ws('; ', hint, 'groups_cascade takes a deleted group''s members and messages with it, invitations_wake tells the dispatcher of new ones, installation_copied_over keeps copied data from being sent');
            command := concat_ws(E'\n', triggers.enable, command);
            since := coalesce(since, statement_timestamp());
            severity := CASE severity WHEN 'ok' THEN 'warning' ELSE severity END;
        END IF;
    EXCEPTION WHEN OTHERS THEN severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
    END;
    RETURN NEXT;
END $$;
COMMENT ON FUNCTION group_api_private.health_steps() IS 'internal: health() of what a lock or an error keeps the dispatcher from';

CREATE FUNCTION group_api_private.health_outcomes(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hour record;
    refused record;
BEGIN
    "check" := 'outcomes';
    severity := 'ok';
    BEGIN
        SELECT coalesce(sum(d.sent), 0) AS sent, coalesce(sum(d.failed), 0) AS failed,
               coalesce(sum(d.uncertain), 0) AS uncertain, min(d.at) FILTER (WHERE d.failed + d.uncertain > 0) AS first
          INTO hour FROM group_api.stat_deliveries d WHERE d.at > now() - interval '1 hour';
        fact := format('in the last hour %s sent, %s failed, %s uncertain', hour.sent, hour.failed, hour.uncertain);
        IF hour.failed + hour.uncertain > 0 THEN
            -- Some contacts are always wrong; where most are, something else is.
            severity := CASE WHEN hour.failed + hour.uncertain >= 10 AND hour.failed + hour.uncertain > hour.sent
                             THEN 'warning' ELSE 'notice' END;
            since := hour.first;
            hint := 'SELECT * FROM group_api.attempts ORDER BY started_at DESC LIMIT 50; tells why';
            command := 'SELECT group_api.retry_failed(max_age => ''1 hour'');';
        END IF;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || SQLERRM;
    END;
    RETURN NEXT;

    "check" := 'receipts';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        fact := 'no receipt was refused today';
        SELECT r.* INTO refused
          FROM (SELECT c.server, c.receipts, c.day,
                       EXISTS (SELECT FROM group_api.receipt_counts o WHERE o.day = c.day AND o.server = c.server
                                  AND o.result IN ('moved', 'known')) AS others_pass
                  FROM group_api.receipt_counts c
                 WHERE c.result = 'refused' AND c.day = (now() AT TIME ZONE 'UTC')::date) r
         -- What anybody sends in great number must not stand before what somebody should look at.
         ORDER BY r.others_pass OR r.server = '', r.receipts DESC LIMIT 1;
        IF refused.receipts > 0 THEN
            -- Anybody can send what is refused; where nothing passes, our secret is wrong.
            severity := CASE WHEN refused.others_pass OR refused.server = '' THEN 'notice' ELSE 'warning' END;
            since := refused.day::timestamp AT TIME ZONE 'UTC';
            fact := format('%s receipts for %s were refused today: they are not proved to be the provider''s%s', refused.receipts,
                           coalesce(nullif(refused.server::text, ''), 'an unknown provider'),
                           CASE WHEN refused.others_pass THEN '' ELSE ', and none passed' END);
            hint := 'compare the secret of the webhook at the provider with the one of the user mapping (docs/receipts.md)';
            command := CASE WHEN refused.server <> '' THEN format('SELECT group_api.receipt_url(%L);', refused.server)
                            ELSE 'SELECT * FROM group_api.receipt_counts ORDER BY day DESC;' END;
        END IF;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || SQLERRM;
    END;
    RETURN NEXT;
END $$;
COMMENT ON FUNCTION group_api_private.health_outcomes() IS 'internal: health() of what became of messages lately, and of receipts';

CREATE FUNCTION group_api_private.health_settings(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first record;
    real record;
    url record;
    role record;
    versions record;
BEGIN
    "check" := 'capture';
    severity := 'ok';
    BEGIN
        fact := 'no capture provider stands before a real one';
        SELECT c.server, c.channel, r.server AS behind, r.priority, c.priority = r.priority AS is_shared,
               EXISTS (SELECT FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o
                        WHERE s.srvname = c.server AND o.option_name = 'priority') AS has_priority
          INTO first
          FROM group_api.provider_routes c
          JOIN group_api.provider_routes r ON r.channel = c.channel AND r.kind <> 'capture'
         WHERE c.kind = 'capture' AND c.prefix IS NULL AND c.state <> 'paused' AND r.state <> 'paused'
           -- Those of one priority share, but who has prefixes goes first.
           AND (c.priority < r.priority OR c.priority = r.priority AND r.prefix IS NULL)
         ORDER BY c.channel, r.priority DESC LIMIT 1;
        IF first.server IS NOT NULL THEN
            severity := 'warning';
            since := pg_postmaster_start_time();
            fact := format('%s keeps %s of %s and sends nothing, %s %s, which would', first.server,
                           CASE WHEN first.is_shared THEN 'some of the messages' ELSE 'the messages' END, first.channel,
                           CASE WHEN first.is_shared THEN 'beside' ELSE 'before' END, first.behind);
            -- 1000 is the last there is.
            command := concat_ws(E'\n',
                CASE WHEN first.priority = 1000 THEN format('ALTER SERVER %I OPTIONS (SET priority %L);', first.behind, 999) END,
                format('ALTER SERVER %I OPTIONS (%s priority %L);', first.server,
                       CASE WHEN first.has_priority THEN 'SET' ELSE 'ADD' END, least(first.priority + 1, 1000)));
            hint := 'what was captured is not sent; behind the other one it is used only while that rests: ' || command;
        END IF;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || SQLERRM;
    END;
    RETURN NEXT;

    "check" := 'links';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        fact := 'links lead to ' || current_setting('group_api.invitation_url');
        SELECT s.setting = s.boot_val AS is_default INTO url FROM pg_settings s WHERE s.name = 'group_api.invitation_url';
        SELECT p.server INTO real FROM group_api.stat_providers p
         WHERE p.kind <> 'capture' AND p.last_accepted_at IS NOT NULL ORDER BY p.server LIMIT 1;
        IF url.is_default AND real.server IS NOT NULL THEN
            severity := 'warning';
            since := pg_conf_load_time();
            fact := format('%s sends links that lead to %s, where nobody but this machine gets', real.server,
                           current_setting('group_api.invitation_url'));
            hint := 'group_api.invitation_url is the default; name the host that people reach';
            command := E'ALTER SYSTEM SET group_api.invitation_url = ''https://example.com/rpc/invitation_page?token={token}'';\nSELECT pg_reload_conf();';
        END IF;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || SQLERRM;
    END;
    RETURN NEXT;

    "check" := 'trusted roles';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        fact := 'whose request.jwt.claims are believed: ' || coalesce(nullif(current_setting('group_api.trusted_roles'), ''), 'nobody''s');
        FOR role IN
            -- A name counts as SplitIdentifierString() reads it, or just as it is written.
            WITH named AS (
                SELECT n.at, n.element[1] AS element, s.setting = s.boot_val AS is_default,
                       CASE WHEN n.element[1] LIKE '"%' THEN ARRAY[replace(substr(n.element[1], 2, length(n.element[1]) - 2), '""', '"')]
                            ELSE ARRAY[lower(n.element[1] COLLATE "C"), n.element[1]] END::name[] AS names
                  FROM pg_settings s, regexp_matches(s.setting, '"(?:[^"]|"")*"|[^",\s][^,\s]*', 'g') WITH ORDINALITY n (element, at)
                 WHERE s.name = 'group_api.trusted_roles'
            ), borne AS (
                SELECT n.*, r.rolname, has_function_privilege(r.oid, 'group_api.is_gateway()', 'EXECUTE') AS is_gateway,
                       -- The list is for all databases, the mark of one; of others only who calls functions there is seen.
                       EXISTS (SELECT FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid AND b.datname <> current_database()
                                WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid
                                  AND d.classid = 'pg_proc'::regclass AND d.deptype = 'a') AS is_elsewhere
                  FROM named n LEFT JOIN pg_roles r ON r.rolname = ANY (n.names)
            ), marked AS (
                SELECT r.rolname FROM pg_proc p, aclexplode(p.proacl) a JOIN pg_roles r ON r.oid = a.grantee
                 WHERE p.oid = 'group_api.is_gateway()'::regprocedure AND r.oid <> p.proowner AND r.rolcanlogin AND NOT r.rolsuper
            )
            SELECT found.* FROM (
            SELECT 'critical' AS severity, format('%s was made a gateway, and group_api.trusted_roles does not name it: what it says of callers is not believed',
                                                  m.rolname) AS fact,
                   format('if PostgREST no longer logs in as it: SELECT group_api.revoke_access(%L); else the command', quote_ident(m.rolname)) AS hint,
                   -- A name that no role bears is what one of them was called before.
                   concat_ws(', ', (SELECT string_agg(n.element, ', ' ORDER BY n.at) FROM named n
                                     WHERE EXISTS (SELECT FROM pg_roles r WHERE r.rolname = ANY (n.names))), quote_ident(m.rolname)) AS list
              FROM marked m, pg_settings s
             WHERE s.name = 'group_api.trusted_roles' AND NOT EXISTS (SELECT FROM named n WHERE m.rolname = ANY (n.names))
            UNION ALL
            SELECT CASE WHEN b.is_default OR bool_or(b.is_elsewhere) THEN 'notice' ELSE 'warning' END,
                   CASE WHEN max(b.rolname) IS NULL THEN format('group_api.trusted_roles names %s, which is no role', b.names[1])
                        ELSE format('group_api.trusted_roles names %s, which was not made a gateway: what it says of callers is not believed', max(b.rolname)) END,
                   CASE WHEN max(b.rolname) IS NOT NULL
                        THEN format('if this is the role that PostgREST logs in as: SELECT group_api.grant_access(%L, ''gateway''); else %s', quote_ident(max(b.rolname)),
                                    CASE WHEN bool_or(b.is_elsewhere) THEN 'it may be one in another database' ELSE 'the command' END) END,
                   -- Whoever may create a role may give it this name, so the command takes the trust away.
                   CASE WHEN NOT bool_or(b.is_elsewhere)
                        THEN coalesce((SELECT string_agg(n.element, ', ' ORDER BY n.at) FROM named n WHERE n.at <> b.at), '') END
              FROM borne b GROUP BY b.at, b.is_default, b.names
            HAVING bool_or(b.is_gateway) IS NOT TRUE AND NOT (b.is_default AND max(b.rolname) IS NULL)
            ) found ORDER BY array_position(ARRAY['critical', 'warning', 'notice'], found.severity), found.fact LIMIT 1
        LOOP
            severity := role.severity;
            since := pg_conf_load_time();
            fact := role.fact;
            command := E'ALTER SYSTEM SET group_api.trusted_roles = ' || quote_literal(role.list) || E';\nSELECT pg_reload_conf();';
            hint := coalesce(role.hint, command);
        END LOOP;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || SQLERRM;
    END;
    RETURN NEXT;

    "check" := 'version';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        SELECT l.library_version, l.extension_version INTO versions FROM group_api.library l;
        fact := format('library and extension are of version %s', versions.extension_version);
        IF versions.library_version <> versions.extension_version THEN
            severity := 'critical';
            since := pg_postmaster_start_time();
            IF string_to_array(versions.library_version, '.')::integer[] > string_to_array(versions.extension_version, '.')::integer[] THEN
                fact := format('the library is of version %s, newer than the extension in this database, %s', versions.library_version, versions.extension_version);
                command := format('ALTER EXTENSION group_api UPDATE TO %L;', versions.library_version);
                hint := command;
            ELSE
                fact := format('the library is of version %s, older than the extension in this database, %s', versions.library_version, versions.extension_version);
                command := '\! pg_ctl restart -D "$PGDATA"';
                hint := 'install the library of the extension''s version and restart';
            END IF;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        severity := CASE WHEN SQLSTATE IN ('42883', '58P01') THEN 'critical' ELSE 'ok' END;
        since := pg_postmaster_start_time();
        fact := CASE severity WHEN 'critical' THEN 'the library that was loaded is older than the extension: ' ELSE 'not known: ' END || SQLERRM;
        command := CASE severity WHEN 'critical' THEN '\! pg_ctl restart -D "$PGDATA"' END;
    END;
    RETURN NEXT;

    "check" := 'words';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        SELECT l.words_lacking AS lacking, l.words_command AS command INTO first FROM group_api.library l;
        fact := 'people whose language is not known are written to in ' || current_setting('group_api.default_locale');
        IF first.lacking IS NOT NULL THEN
            severity := 'warning';
            since := pg_conf_load_time();
            fact := format('group_api.default_locale is %s, and there are no words in it for %s: English is used',
                           current_setting('group_api.default_locale'), first.lacking);
            command := first.command;
            hint := 'put words of your own: SELECT group_api.put_template(...); or ' || replace(command, E'\n', ' ');
        END IF;
    EXCEPTION WHEN OTHERS THEN
        fact := 'not known: ' || CASE WHEN SQLSTATE = '55P03' THEN 'a table of the extension is locked' ELSE SQLERRM END;
    END;
    RETURN NEXT;

    "check" := 'phone tables';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        SELECT CASE WHEN t.is_old THEN 'warning' ELSE 'ok' END, format('telephone numbers are checked by tables of %s, %s months old', t.as_of, t.age),
               CASE WHEN t.is_old THEN to_timestamp(t.as_of, 'YYYY-MM') END
          INTO severity, fact, since FROM group_api.phone_tables t;
        IF severity <> 'ok' THEN
            fact := fact || ': a length or kind they do not know is accepted';
            hint := 'upgrade group_api or libphonenumber and restart; group_api.phone_metadata_months says how old they may be';
            command := '\! sudo apt-get install --only-upgrade libphonenumber8';
        END IF;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || CASE WHEN SQLSTATE = '55P03' THEN 'a view of the extension is locked' ELSE SQLERRM END;
    END;
    RETURN NEXT;
END $$;
COMMENT ON FUNCTION group_api_private.health_settings() IS 'internal: health() of providers, settings and versions that do not fit each other';

CREATE FUNCTION group_api_private.health_events(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Null where the library is not loaded.
    retention text := current_setting('group_api.events_retention', true);
    patience interval := nullif(current_setting('group_api.max_wait', true)::interval, '0');
    listener record;
BEGIN
    "check" := 'events';
    severity := 'warning';
    BEGIN
        FOR listener IN
            SELECT l.*, l.oldest < clock_timestamp() - retention::interval * 0.75 AS is_late
              FROM (SELECT 'webhook' AS kind, w.server::text AS name, w.state, w.reason, w.since, w.waiting, w.dead, w.oldest, w.last_failure,
                           w.command AS remedy
                      FROM group_api.webhooks w
                    UNION ALL SELECT 'consumer', c.name, 'ready', NULL, NULL, c.waiting, 0, c.oldest, NULL, NULL FROM group_api.consumers c) l
             WHERE l.state = 'paused' OR l.dead > 0 OR l.oldest < clock_timestamp() - retention::interval * 0.75
                   OR l.oldest < clock_timestamp() - patience AND l.last_failure IS NOT NULL
             ORDER BY l.oldest < clock_timestamp() - retention::interval * 0.75 DESC, l.state = 'paused' DESC, l.name
        LOOP
            since := coalesce(listener.since, listener.oldest, statement_timestamp());
            fact := CASE WHEN listener.state = 'paused'
                         THEN format('webhook %s is paused: %s; %s events wait for it', listener.name, listener.reason, listener.waiting)
                         WHEN listener.dead > 0 AND NOT coalesce(listener.is_late, false)
                         THEN format('%s events were not taken by webhook %s: %s', listener.dead, listener.name, listener.last_failure)
                         WHEN listener.last_failure IS NOT NULL
                         THEN format('webhook %s has taken nothing since %s: %s', listener.name, date_trunc('second', listener.oldest),
                                     listener.last_failure)
                         ELSE format('%s %s has not taken an event of %s', listener.kind, listener.name, date_trunc('second', listener.oldest)) END
                || CASE WHEN listener.is_late THEN format('; after %s they are gone', retention) ELSE '' END;
            command := CASE WHEN listener.kind = 'consumer' THEN format('SELECT * FROM group_api.consumers WHERE name = %L;', listener.name)
                            WHEN listener.state = 'paused' THEN listener.remedy
                            WHEN listener.dead > 0
                            THEN format('SELECT group_api.replay_events(%L, now() - interval %L);', listener.name, retention)
                            ELSE format('SELECT * FROM group_api.webhooks WHERE server = %L;', listener.name) END;
            hint := CASE WHEN listener.kind = 'consumer'
                         THEN format('let it call next_events() and ack_events(); SELECT group_api.drop_consumer(%L); ends it', listener.name)
                         WHEN listener.state = 'paused' AND listener.reason LIKE 'http 410%'
                         THEN format('the receiver wants no more: DROP SERVER %I CASCADE; ends it; %s tells it what waits', listener.name, command)
                         WHEN listener.state = 'paused' THEN command
                         WHEN listener.dead > 0 THEN 'once it takes events: ' || command
                         ELSE 'the receiver is to be put right; an event is tried for three days: ' || command END;
            RETURN NEXT;
        END LOOP;
        IF NOT FOUND THEN
            severity := 'ok';
            fact := 'each listener has its events';
            RETURN NEXT;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        severity := 'unknown'; since := NULL; fact := SQLERRM; hint := SQLSTATE; command := NULL;
        RETURN NEXT;
    END;
END $$;
COMMENT ON FUNCTION group_api_private.health_events() IS 'internal: health() of who listens to events';

CREATE FUNCTION group_api.health(
        OUT "check" text, OUT ok boolean, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
    SET standard_conforming_strings = on SET row_security = on
    SET lock_timeout = '200ms'
BEGIN ATOMIC
    SELECT f."check", u.severity IN ('ok', 'notice'), u.severity, date_trunc('milliseconds', u.since), u.fact, u.hint, u.command
      FROM (SELECT 1 AS part, d.* FROM group_api_private.health_dispatcher() WITH ORDINALITY d
            UNION ALL SELECT 2, d.* FROM group_api_private.health_channels() WITH ORDINALITY d
            UNION ALL SELECT 3, d.* FROM group_api_private.health_steps() WITH ORDINALITY d
            UNION ALL SELECT 4, d.* FROM group_api_private.health_outcomes() WITH ORDINALITY d
            UNION ALL SELECT 5, d.* FROM group_api_private.health_settings() WITH ORDINALITY d
            UNION ALL SELECT 6, d.* FROM group_api_private.health_events() WITH ORDINALITY d) f
     CROSS JOIN LATERAL (
            SELECT f.severity, f.since, f.fact, f.hint, f.command WHERE f.severity <> 'unknown'
            UNION ALL
            -- These two look at views alone, and at what would tell of a lock.
            SELECT 'critical', statement_timestamp(), 'not known: a view of the extension is locked',
                   'SELECT * FROM pg_locks WHERE NOT granted;', 'SELECT * FROM pg_locks WHERE NOT granted;'
             WHERE f.severity = 'unknown' AND f.hint = '55P03' AND f."check" IN ('dispatcher', 'locks')
            UNION ALL
            SELECT 'critical', statement_timestamp(), 'not known: a table of the extension is locked',
                   'see the check "locks"', 'SELECT * FROM pg_locks WHERE NOT granted;'
             WHERE f.severity = 'unknown' AND f.hint = '55P03' AND f."check" NOT IN ('dispatcher', 'locks')
            UNION ALL
            -- Class XX: what is on the disk makes no sense; 58030: it cannot be read.
            SELECT 'critical', statement_timestamp(), 'not known: ' || f.fact,
                   CASE WHEN (f.hint LIKE 'XX%' OR f.hint = '58030') AND f."check" <> 'errors'
                        THEN 'see the check "errors"; what cannot be read is to be restored from a backup'
                        WHEN f."check" <> 'dispatcher' THEN 'see the check "dispatcher"' END, NULL
             WHERE f.severity = 'unknown' AND f.hint <> '55P03') u
     ORDER BY array_position(ARRAY['critical', 'warning', 'notice', 'ok'], u.severity), f.part, f.ordinality;
END;
COMMENT ON FUNCTION group_api.health() IS
$$Tells what is wrong and what to do, worst first, and of each thing that it looks at and finds well one row.

check: what was looked at.  severity: critical (messages are not delivered, or a
gateway's callers not told apart), warning (somebody should look), notice (worth knowing), ok; ok: notice or ok, so SELECT * FROM group_api.health()
WHERE NOT ok is empty when all is well.  since: when it began.  fact: what was seen.  hint: what
helps.  command: the next command against it, to be typed into psql; a line that begins with \! is
for the shell of the server.  Never an error; a lock is waited for 0.2 s.  The checks are:

dispatcher: whether one can run, and its courier with it
adopted: whose data these are, and so whether anything may be sent
replay: how far a standby lags; a primary has no such row
provider for CHANNEL: whether a provider that is ready takes what waits in that channel
progress of CHANNEL: messages are due and none was tried for ten seconds
waiting CHANNEL: the oldest message that is due has waited for longer than group_api.max_wait
expiring CHANNEL: what waits will expire unsent within the hour
provider NAME: one that is paused, rests, fails or is slow to answer while others take over
locks: a step of the dispatcher waits for what somebody holds
errors: a step of the dispatcher fails, rows were set aside because of an error, or a trigger of the extension is disabled
outcomes: what was sent, failed and stayed uncertain in the last hour
receipts: callbacks that were refused today, as they are not proved to be the provider's
capture: a capture provider stands before a real one of its channel
links: group_api.invitation_url is the default while a real provider sends
trusted roles: group_api.trusted_roles names what is no gateway, or does not name what is one
version: whether library and SQL are of one version
words: whether there are words in group_api.default_locale
phone tables: how old the tables are that numbers are checked by
events: a listener is paused, fails, has failed for good, or falls behind; a row for each$$;

-- The status page ------------------------------------------------------------

CREATE FUNCTION group_api_private.html_text(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    RETURN replace(replace(replace(replace(replace(value, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
COMMENT ON FUNCTION group_api_private.html_text(text) IS 'internal: a text as it stands in HTML, in an element or a quoted attribute';

-- One that changes is allowed by its digest, so it holds no value.
CREATE FUNCTION group_api_private.status_style() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
SELECT '
:root{color-scheme:light dark;--paper:#f3efe8;--card:#fff;--ink:#1d2320;--soft:#565e59;--line:#dcd8cf;--good:#175c45;--bad:#9b1c1c;--bad-tint:#fdeaea;--warn:#7a3d00;--warn-tint:#fdf0dc;--note:#1d4a75;--code:#f4f1ea}
@media (prefers-color-scheme:dark){:root{--paper:#121614;--card:#1b211e;--ink:#eef1ee;--soft:#aab4ae;--line:#333b37;--good:#8fd6b4;--bad:#ffb1a8;--bad-tint:#3b1d1b;--warn:#f5c98a;--warn-tint:#3a2c17;--note:#a8cdf0;--code:#121614}}
*{box-sizing:border-box}
body{margin:0;padding:1rem;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main,header{max-width:52rem;margin:0 auto}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}h3{font-size:1rem;margin:0}
p{margin:.25rem 0}
section>ul{list-style:none;margin:0;padding:0;display:grid;gap:.75rem}
section>ul>li,.card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.75rem 1rem;overflow-wrap:anywhere}
.critical{border-color:var(--bad)!important;background:var(--bad-tint)!important}.critical strong,.bad{color:var(--bad)}
.warning{border-color:var(--warn)!important;background:var(--warn-tint)!important}.warning strong{color:var(--warn)}
.notice strong{color:var(--note)}.ok strong,.good{color:var(--good)}
.soft{color:var(--soft);font-size:1rem}
pre{margin:.5rem 0 0;padding:.5rem .75rem;background:var(--code);border-radius:.4rem;white-space:pre-wrap;overflow-wrap:anywhere;font-size:1rem}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.5rem;margin:.5rem 0 0}
dl div{min-width:0}dt{color:var(--soft)}dd{margin:0;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;display:block}.sent{fill:var(--good)}.failed{fill:var(--bad)}.base{stroke:var(--line)}.hours{display:flex;justify-content:space-between;color:var(--soft);font-variant-numeric:tabular-nums}
'
$$;
COMMENT ON FUNCTION group_api_private.status_style() IS 'internal: the style of status_page()';

CREATE FUNCTION group_api_private.status_findings() RETURNS text
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT coalesce(string_agg(format('<li class="%s"><p><strong>%s: %s</strong>%s</p><p>%s</p>%s%s</li>', h.severity, h.severity,
                  group_api_private.html_text(h."check"),
                  coalesce(format(' <span class="soft">since %s</span>', to_char(h.since, 'YYYY-MM-DD HH24:MI:SS TZ')), ''),
                  group_api_private.html_text(h.fact),
                  coalesce(format('<p class="soft">%s</p>', group_api_private.html_text(nullif(h.hint, h.command))), ''),
                  coalesce(format('<pre>%s</pre>', group_api_private.html_text(h.command)), '')), ''),
               '<li class="ok"><p><strong>All is well</strong></p><p>Nothing is in the way of any message.</p></li>')
      FROM group_api.health() h WHERE h.severity <> 'ok';
END;
COMMENT ON FUNCTION group_api_private.status_findings() IS 'internal: what health() finds, for status_page()';

CREATE FUNCTION group_api_private.status_chart() RETURNS text
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH hours AS (
        SELECT n, coalesce(sum(d.sent), 0) AS sent, coalesce(sum(d.failed + d.uncertain), 0) AS failed, b.at
          FROM generate_series(0, 23) n,
               LATERAL (SELECT date_trunc('hour', now()) - make_interval(hours => 23 - n) AS at) b
          LEFT JOIN group_api.stat_deliveries d ON d.at >= b.at AND d.at < b.at + interval '1 hour'
         GROUP BY n, b.at
    ), scale AS (
        SELECT greatest(max(sent + failed), 1) AS top, sum(sent) AS sent, sum(failed) AS failed FROM hours
    )
    SELECT format('<p>%s sent, <span class="%s">%s failed</span>; at most %s an hour.</p>'
                  '<svg viewBox="0 0 480 122" role="img" aria-label="Messages of each of the last 24 hours: %s sent, %s failed, at most %s an hour">'
                  '<line class="base" x1="0" y1="120.5" x2="480" y2="120.5"/>', s.sent, CASE WHEN s.failed > 0 THEN 'bad' ELSE 'good' END, s.failed, s.top,
                  s.sent, s.failed, s.top)
           || string_agg(format('<g><title>%s: %s sent, %s failed</title>%s%s</g>', to_char(h.at, 'HH24:MI'), h.sent, h.failed,
                  CASE WHEN h.sent > 0 THEN format('<rect class="sent" x="%s" width="16" y="%s" height="%s"/>', h.n * 20 + 2,
                       round(120 - 115.0 * h.sent / s.top, 1), round(115.0 * h.sent / s.top, 1)) ELSE '' END,
                  CASE WHEN h.failed > 0 THEN format('<rect class="failed" x="%s" width="16" y="%s" height="%s"/>', h.n * 20 + 2,
                       round(120 - 115.0 * (h.sent + h.failed) / s.top, 1), round(115.0 * h.failed / s.top, 1)) ELSE '' END), '' ORDER BY h.n)
           || format('</svg><p class="hours"><span>%s</span><span>%s</span><span>now</span></p>', to_char(min(h.at), 'HH24:MI'),
                     to_char(min(h.at) + interval '12 hours', 'HH24:MI'))
      FROM hours h, scale s GROUP BY s.top, s.sent, s.failed;
END;
COMMENT ON FUNCTION group_api_private.status_chart() IS 'internal: sent and failed messages by the hour as SVG, for status_page()';

CREATE FUNCTION group_api_private.status_figures() RETURNS text
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT '<section aria-labelledby="queue"><h2 id="queue">Queue</h2><ul>'
        || coalesce((SELECT string_agg(format('<li><h3>%s, %s</h3><dl><div><dt>Messages</dt><dd>%s</dd></div><div><dt>Oldest</dt><dd>%s</dd></div>'
                          '<div><dt>For a cap or cool-down</dt><dd>%s</dd></div></dl></li>', q.channel, q.delivery, q.invitations, q.oldest, q.later), '')
                      FROM group_api.queue q), '<li><p>Nothing waits.</p></li>')
        || '</ul></section><section aria-labelledby="providers"><h2 id="providers">Providers</h2><ul>'
        || coalesce((SELECT string_agg(format('<li class="%s"><h3>%s (%s, %s): %s</h3><dl><div><dt>Rate</dt><dd>%s a second</dd></div>'
                          '<div><dt>In flight</dt><dd>%s of %s</dd></div><div><dt>Accepted</dt><dd>%s</dd></div><div><dt>Rejected</dt><dd>%s</dd></div>'
                          '<div><dt>Tried again</dt><dd>%s</dd></div><div><dt>Uncertain</dt><dd>%s</dd></div>'
                          '<div><dt>Half within</dt><dd>%s</dd></div><div><dt>99 of 100 within</dt><dd>%s</dd></div></dl>%s</li>',
                          CASE p.state WHEN 'failing' THEN 'critical' WHEN 'ready' THEN 'ok' ELSE 'warning' END,
                          group_api_private.html_text(p.server::text), group_api_private.html_text(p.kind), p.channel, p.state, round(p.rate::numeric, 2),
                          p.in_flight, coalesce(p."window"::text, '?'), p.accepted, p.rejected, p.retried, p.uncertain,
                          coalesce(round(extract(epoch FROM p.latency_p50) * 1000)::text || ' ms', 'not known'),
                          coalesce(round(extract(epoch FROM p.latency_p99) * 1000)::text || ' ms', 'not known'),
                          coalesce(format('<p class="soft">Last error, %s: %s</p>', to_char(p.last_error_at, 'YYYY-MM-DD HH24:MI:SS TZ'),
                                          group_api_private.html_text(p.last_error)), '')), '' ORDER BY p.server)
                      FROM group_api.stat_providers p), '<li><p>There is no provider.</p></li>')
        || '</ul></section>';
END;
COMMENT ON FUNCTION group_api_private.status_figures() IS 'internal: the queue and the providers, for status_page()';

CREATE FUNCTION group_api.status_page() RETURNS group_api."text/html"
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT set_config('response.headers', format('[{"Content-Security-Policy":"default-src ''none''; style-src ''sha256-%s''; frame-ancestors ''none''; base-uri ''none''; form-action ''none''"},'
        '{"Cache-Control":"no-store"},{"X-Content-Type-Options":"nosniff"},{"Referrer-Policy":"no-referrer"}]',
        encode(sha256(convert_to(group_api_private.status_style(), 'UTF8')), 'base64')), true);
    SELECT ('<!DOCTYPE html><html lang="en" dir="ltr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer"><title>Delivery of '
        || group_api_private.html_text(current_database()::text) || '</title><style>' || group_api_private.status_style() || '</style></head><body><header><h1>Delivery of '
        || group_api_private.html_text(current_database()::text) || '</h1><p class="soft">As of ' || to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS TZ')
        || '; counted since the server started or the provider was made</p></header><main><section aria-labelledby="health"><h2 id="health">Health</h2><ul>'
        || group_api_private.status_findings() || '</ul></section><section aria-labelledby="day"><h2 id="day">The last 24 hours</h2><div class="card">'
        || group_api_private.status_chart() || '</div></section>' || group_api_private.status_figures()
        || '</main></body></html>')::group_api."text/html";
END;
COMMENT ON FUNCTION group_api.status_page() IS
$$A page for who watches: health() with the commands, the last 24 hours as a chart, the queue and the providers.  It holds
no contact; over HTTP it is text/html, with a policy that allows nothing but its own style.  For monitors.$$;

CREATE FUNCTION group_api_private.our_wrappers() RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(quote_ident(w.fdwname), ', ' ORDER BY w.oid)
      FROM pg_foreign_data_wrapper w
      JOIN pg_depend d ON d.classid = 'pg_foreign_data_wrapper'::regclass AND d.objid = w.oid AND d.deptype = 'e'
      JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'group_api'
$$;
COMMENT ON FUNCTION group_api_private.our_wrappers() IS 'internal: the extension''s foreign-data wrappers, quoted, with commas between';

-- A role that was dropped meanwhile is a number to regrole.
CREATE FUNCTION group_api_private.require_role(role regrole) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF role IS NULL OR NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = role) THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = CASE WHEN role IS NULL THEN 'the role must not be null'
                           ELSE format('role %s does not exist', role) END;
    END IF;
END
$$;
COMMENT ON FUNCTION group_api_private.require_role(regrole) IS 'internal: 42704 unless there is such a role';

CREATE FUNCTION group_api.revoke_access(role regrole) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrappers text := group_api_private.our_wrappers();
    owned text;
BEGIN
    PERFORM group_api_private.require_role(role);
    EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA group_api, group_api_v2, group_api_private FROM %s CASCADE', role);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA group_api, group_api_v2, group_api_private FROM %s CASCADE', role);
    EXECUTE format('REVOKE ALL ON SCHEMA group_api, group_api_v2, group_api_private FROM %s CASCADE', role);
    EXECUTE format('REVOKE ALL ON FOREIGN DATA WRAPPER %s FROM %s CASCADE', wrappers, role);
    SELECT string_agg(quote_ident(s.srvname), ', ') INTO owned
      FROM pg_foreign_server s
      JOIN pg_depend d ON d.classid = 'pg_foreign_data_wrapper'::regclass AND d.objid = s.srvfdw AND d.deptype = 'e'
      JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'group_api'
     WHERE s.srvowner = role;
    IF owned IS NOT NULL THEN
        RAISE NOTICE USING MESSAGE = format('role %s still owns providers: %s', role, owned),
            HINT = 'ALTER SERVER ... OWNER TO another role, or DROP SERVER.';
    END IF;
    IF has_schema_privilege(role, 'group_api', 'USAGE')
       AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = role) THEN
        RAISE NOTICE USING MESSAGE = format('role %s still has rights by roles it is a member of', role);
    END IF;
END
$$;
COMMENT ON FUNCTION group_api.revoke_access(regrole) IS
'Takes back from a role all that grant_access() granted it, whatever the level, and any other right to the extension''s functions, tables and foreign-data wrappers. Says in a NOTICE what it keeps: providers it owns, rights of roles it is a member of. To be called by the extension''s owner. Error: 42704 for an unknown role.';

CREATE FUNCTION group_api.grant_access(role regrole, level text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What is open to everybody: the invited person, and a provider's callbacks.
    anonymous text := 'group_api.invitation(text), group_api.accept_invitation(text), '
        'group_api.decline_invitation(text), group_api.invitation_page(text, text), '
        'group_api.unsubscribe(text), group_api.receive_receipt(text), group_api.receive_receipt(bytea), '
        'group_api.picture(uuid), '
        'group_api.load_group(jsonb), group_api.load_group(text), group_api.load_group(bytea), '
        'group_api_v2.get_group(bigint), group_api_v2.search_groups(text, integer, integer), '
        'group_api_v2.user_groups(bigint, integer, integer, text), group_api_v2.list_members(bigint, integer, integer)';
    callers text := 'group_api_v2.get_user(bigint), group_api.create_group(jsonb), group_api.create_group(text), group_api.create_group(bytea), group_api.create_group(json,text), '
        'group_api.get_group(uuid), '
        'group_api.send_invitations(uuid), group_api.resend_invitation(uuid, integer), '
        'group_api.revoke_invitation(uuid, integer), group_api.archive_group(uuid), '
        'group_api.delete_group(uuid), group_api.preview_invitation(uuid, integer, text), '
        'group_api.receive_receipt(name, bytea, jsonb, text, text), '
        'group_api.sms_segments(text), group_api_v2.create_group(jsonb), group_api_v2.create_group(text), '
        'group_api_v2.create_group(bytea), group_api_v2.create_group(json,text), '
        'group_api_v2.list_groups(integer, integer, text), group_api_v2.get_status(bigint), '
        'group_api_v2.put_group(jsonb), group_api_v2.put_group(bigint, jsonb), '
        'group_api_v2.patch_group(jsonb), group_api_v2.patch_group(bigint, jsonb), '
        'group_api_v2.delete_group(), group_api_v2.delete_group(bigint), '
        'group_api_v2.invite_users(jsonb), group_api_v2.invite_users(bigint, bigint[]), '
        'group_api_v2.withdraw_invitations(jsonb), '
        'group_api_v2.withdraw_invitations(bigint, bigint[]), '
        'group_api_v2.subscribe(), group_api_v2.subscribe(jsonb), '
        'group_api_v2.subscribe(bigint, bigint[]), '
        'group_api_v2.unsubscribe(), group_api_v2.unsubscribe(jsonb), '
        'group_api_v2.unsubscribe(bigint, bigint), '
        'group_api_v2.list_feed(bigint, integer, integer), '
        'group_api_v2.list_invited_users(bigint, integer, integer), '
        'group_api_v2.list_requests(bigint, integer, integer), '
        'group_api_v2.put_group(text), group_api_v2.patch_group(text), group_api_v2.delete_group(text), '
        'group_api_v2.invite_users(text), group_api_v2.withdraw_invitations(text), '
        'group_api_v2.subscribe(text), group_api_v2.unsubscribe(text), '
        'group_api_v2.put_group(bytea), group_api_v2.patch_group(bytea), group_api_v2.delete_group(bytea), '
        'group_api_v2.invite_users(bytea), group_api_v2.withdraw_invitations(bytea), '
        'group_api_v2.subscribe(bytea), group_api_v2.unsubscribe(bytea), '
        'group_api_v2.suggest_users(bigint, text, integer, integer), '
        'group_api.list_groups(integer, integer), group_api.add_members(jsonb), '
        'group_api.add_members(text), group_api.add_members(bytea), group_api.add_members(json,text), '
        'group_api.claim_membership(text), group_api_v2.list_invitations(integer, integer, text), '
        'group_api_v2.get_me(), group_api_v2.get_permission(), group_api_v2.get_avatar()';
    monitors text := 'group_api.health(), group_api.sms_segments(text), '
        'group_api_private.dispatcher_state(), group_api_private.is_adopted(), '
        'group_api_private.data_origin(), group_api_private.allowed_connections(name), '
        'group_api_private.phone_tables(), group_api_private.kind_channel(text), '
        'group_api_private.provider_figures(), group_api_private.provider_history(), group_api_private.library_version(), group_api_private.default_words(group_api.channel), '
        'group_api_private.setting_command(text, text), group_api_private.provider_remedy(name, text), '
        'group_api_private.health_dispatcher(), group_api_private.health_channels(), group_api_private.health_steps(), '
        'group_api_private.health_outcomes(), group_api_private.health_settings(), group_api_private.health_events(), '
        'group_api.status_page(), group_api_private.html_text(text), group_api_private.status_style(), '
        'group_api_private.status_findings(), group_api_private.status_chart(), group_api_private.status_figures(), '
        'group_api.timeline(uuid, integer), group_api_private.progress()';
    operators text := 'group_api.retry_failed(uuid, group_api.channel, name, text, interval, integer), group_api.retry_set_aside(), '
        'group_api.resend(uuid, group_api.channel, name, text, interval, integer), '
        'group_api.cancel(uuid, group_api.channel, name, text, interval, integer), group_api.report_progress(text, bigint, bigint), '
        'group_api.pause_channel(group_api.channel, text), group_api.resume_channel(group_api.channel), '
        'group_api.pause_all(text), group_api.resume_all(), '
        'group_api.one_batch(text, uuid, group_api.channel, name, text, interval, integer, uuid, integer), '
        'group_api_private.every_batch(text, uuid, group_api.channel, name, text, interval, integer), '
        'group_api_private.mail_unquoted(text), group_api_private.mail_subject(text), group_api_private.mail_text(text), '
        'group_api_private.first_link(text), '
        'group_api.put_user(text, text, text, text, text, text, text, text), '
        'group_api.pause(name, text), group_api.resume(name), group_api.adopt(boolean, boolean, boolean, integer), '
        'group_api.suppress(text), group_api.unsuppress(text), '
        'group_api.put_template(group_api.channel, text, text, text, text), '
        'group_api.remove_template(group_api.channel, text), '
        'group_api_private.builtin_templates(), '
        'group_api.create_consumer(text, text, boolean, regrole), group_api.drop_consumer(text), '
        'group_api.replay_events(text, timestamptz), '
        'group_api.wait_until_idle(interval), group_api.receipt_url(name), '
        'group_api.test_provider(name, text)';
    listeners text := 'group_api.next_events(text, integer), group_api.ack_events(text, bigint[])';
    gateways text := 'group_api.is_gateway()';
    proxies text := 'group_api.call_as(name, name, boolean, boolean, text, text, text, text, text[]), '
        'group_api.rows_as(name, name, boolean, boolean, text, text, text, text, text[])';
    mailers text := 'group_api.ingest_bounce(bytea)';
    views text := 'group_api.providers, group_api.queue, group_api.attempts, group_api.deliveries, '
        'group_api.suppressions, group_api.receipts, group_api.receipt_counts, '
        'group_api.dispatcher, group_api.waiting, group_api.locks, group_api.set_aside, group_api.phone_tables, '
        'group_api.stat_providers, group_api.stat_deliveries, group_api.stat_dispatcher, group_api.library, '
        'group_api.provider_troubles, group_api.provider_routes, group_api.stat_progress, group_api.consumers, group_api.webhooks';
    wrappers text := group_api_private.our_wrappers();
    tables text := 'group_api_private.groups, group_api_private.members, '
        'group_api_private.invitations, group_api_private.attempts, group_api_private.pauses, '
        'group_api_private.suppressions, group_api_private.receipt_counts, group_api_private.set_aside, '
        'group_api_private.consumers, group_api_private.event_deliveries';
    -- Not what came, word for word: that holds contacts and the provider's ids.
    receipt_columns text := 'received_at, way, server, result, group_id, member, status, code, message_id';
    -- What the role itself was granted, by one function of each level.
    held text[];
BEGIN
    PERFORM group_api_private.require_role(role);
    IF level IS NULL OR level NOT IN ('anonymous', 'caller', 'operator', 'monitor', 'listener', 'mailer', 'gateway', 'proxy') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('unknown level of access %s', coalesce(quote_literal(level), 'null')),
            HINT = 'The levels are anonymous, caller, operator, monitor, listener, mailer, gateway and proxy.';
    END IF;
    SELECT coalesce(array_agg(m.level), '{}') INTO held
      FROM (VALUES ('operator', 'group_api.adopt(boolean, boolean, boolean, integer)'), ('caller', 'group_api.create_group(jsonb)'),
                   ('monitor', 'group_api.health()'), ('gateway', 'group_api.is_gateway()'),
                   ('proxy', 'group_api.call_as(name, name, boolean, boolean, text, text, text, text, text[])')) AS m (level, function)
      JOIN pg_proc p ON p.oid = m.function::regprocedure
     WHERE EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = grant_access.role);
    -- A level that includes the wanted one: the rest of it is taken back.
    IF 'operator' = ANY (held) AND level NOT IN ('operator', 'gateway', 'proxy') THEN
        PERFORM group_api.revoke_access(role);
        IF 'gateway' = ANY (held) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', gateways, role);
        END IF;
        IF 'proxy' = ANY (held) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', proxies, role);
        END IF;
    ELSIF 'caller' = ANY (held) AND level = 'anonymous' THEN
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s CASCADE', callers, role);
        IF 'monitor' = ANY (held) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', monitors, role);
        END IF;
    END IF;
    -- A gateway calls nothing as itself.
    IF level <> 'gateway' THEN
        EXECUTE format('GRANT USAGE ON SCHEMA group_api TO %s', role);
    END IF;
    IF level IN ('anonymous', 'caller', 'operator') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA group_api_v2 TO %s', role);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', anonymous, role);
    END IF;
    IF level IN ('caller', 'operator') THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', callers, role);
    END IF;
    IF level IN ('listener', 'operator') THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', listeners, role);
    END IF;
    IF level IN ('mailer', 'operator') THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', mailers, role);
    END IF;
    IF level = 'gateway' THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', gateways, role);
    END IF;
    IF level = 'proxy' THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', proxies, role);
    END IF;
    IF level IN ('monitor', 'operator') THEN
        -- No USAGE of their schema: see group_api.dispatcher.
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', monitors, role);
        EXECUTE format('GRANT SELECT ON %s, %s TO %s', views, tables, role);
        EXECUTE format('GRANT SELECT (%s) ON group_api_private.receipts TO %s', receipt_columns, role);
        -- When, and not what: that may hold contacts.
        EXECUTE format('GRANT SELECT (id, at) ON group_api_private.events TO %s', role);
    END IF;
    IF level = 'operator' THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', operators, role);
        EXECUTE format('GRANT EXECUTE ON PROCEDURE group_api.in_batches(text, uuid, group_api.channel, name, text, interval, integer) TO %s', role);
        EXECUTE format('GRANT SELECT (id, raw) ON group_api_private.receipts TO %s', role);
        EXECUTE format('GRANT SELECT ON group_api.receipt_events, group_api.captured, group_api_private.captured, '
                       'group_api.templates, group_api_private.templates TO %s', role);
        EXECUTE format('GRANT USAGE ON FOREIGN DATA WRAPPER %s TO %s', wrappers, role);
    END IF;
END
$$;
COMMENT ON FUNCTION group_api.grant_access(regrole, text) IS
'Grants a role what it needs: anonymous (what the holder of a link does: look, answer, unsubscribe; looking at contract B''s visible groups, of private ones all but who is in them; and providers'' callbacks over HTTP), caller (that and the contracts'' functions), monitor (health() and the views), listener (next_events() and ack_events() of every consumer that is not for another role), mailer (ingest_bounce() for the mail server), gateway (its word on who calls counts, once group_api.trusted_roles names it: for the role PostgREST logs in as), proxy (call_as() and rows_as(), for the role that a proxy database logs in as, docs/scaling.md), operator (all but the last two of these, and pause, resume, retry_failed, adopt, test_provider, creating providers). A level that includes the wanted one is taken back to it; revoke_access() takes back all. To be called by the extension''s owner. Error: 22023 for another level.';

-- Rights --------------------------------------------------------------------

REVOKE ALL ON ALL TABLES IN SCHEMA group_api, group_api_v2, group_api_private FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA group_api, group_api_v2, group_api_private FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA group_api, group_api_v2, group_api_private FROM PUBLIC;
REVOKE ALL ON TYPE group_api.channel, group_api.delivery, group_api.response, group_api.suppression, group_api.group_status, group_api."text/html", group_api."*/*" FROM PUBLIC;

-- The first dispatcher starts when this is committed.
CREATE FUNCTION group_api_private.start() RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'group_api_start';
COMMENT ON FUNCTION group_api_private.start() IS 'internal: wakes the launcher at commit';
REVOKE ALL ON FUNCTION group_api_private.start() FROM PUBLIC;

-- What ALTER DEFAULT PRIVILEGES granted with each object, by name or, of schemas, to everybody. A
-- script that upgrades does this for what it makes alone: what grant_access() granted stays.
DO $$
DECLARE
    lent pg_catalog.record;
BEGIN
    FOR lent IN
        SELECT DISTINCT CASE i.type WHEN 'view' THEN 'table' ELSE i.type END AS kind, i.identity,
               CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::pg_catalog.text END AS role
          FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid AND e.extname = 'group_api'
         CROSS JOIN LATERAL (
               SELECT nspowner, nspacl FROM pg_catalog.pg_namespace WHERE d.classid = 'pg_namespace'::pg_catalog.regclass AND oid = d.objid
               UNION ALL SELECT relowner, relacl FROM pg_catalog.pg_class WHERE d.classid = 'pg_class'::pg_catalog.regclass AND oid = d.objid
               UNION ALL SELECT proowner, proacl FROM pg_catalog.pg_proc WHERE d.classid = 'pg_proc'::pg_catalog.regclass AND oid = d.objid
               UNION ALL SELECT typowner, typacl FROM pg_catalog.pg_type WHERE d.classid = 'pg_type'::pg_catalog.regclass AND oid = d.objid) o (owner, acl)
         CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a
         CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) i
         WHERE d.refclassid = 'pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
           AND a.grantee <> o.owner AND (a.grantee <> 0 OR i.type = 'schema')
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', lent.kind, lent.identity, lent.role);
    END LOOP;
END
$$;
SELECT group_api_private.start();
