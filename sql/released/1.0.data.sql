--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Data for Name: attempts; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.attempts (group_id, member, attempt, segments, outcome, server, started_at, elapsed, next_at, code, detail) FROM stdin;
01a2284b-d1b0-757c-8002-cdc618567ee7	4	1	\N	accepted	mail	2026-11-29 17:13:07.267876+00	00:00:00.000111	\N	captured	\N
\.


--
-- Data for Name: consumers; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.consumers (name, types, contacts, created_at, role, role_oid, role_cluster) FROM stdin;
worker	65520	f	2026-11-29 17:13:07.468154+00	\N	\N	\N
\.


--
-- Data for Name: event_deliveries; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.event_deliveries (event, listener, due, tries, crashes, failed) FROM stdin;
\.


--
-- Data for Name: events; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.events (id, uid, at, type, about_group, group_number, product_id, user_id, member, delivery, response, channel, server, group_name, member_name, reason, user_subject, contact, contact_for) FROM stdin;
\.


--
-- Data for Name: groups; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.groups (id, number, contract, status, name, description, image, message, inviter, product_id, created_by, created_at, slug, color, is_private, visible, active, emotional_image, emotional_image_position, locale, next_deadline, last_member) FROM stdin;
01a2284b-d1b0-757c-8002-cdc618567ee7	1	A	ACTIVE	Pletnev Super Fans	Pletnev in Amsterdam	https://example.com/piano.jpg	Join me at the concert	\N	3f2504e0-4f89-11d3-9a0c-0305e82c3301	1	2026-11-29 17:13:07.248424+00	\N	\N	f	t	t	\N	0	\N	2026-12-06 17:13:07.254742+00	\N
01a2284b-d272-79bc-8007-af9664a89b95	2	B	ACTIVE	Pianists of Ghent	We meet on Fridays	\N	\N	\N	\N	1	2026-11-29 17:13:07.442143+00	pianists	\N	t	t	t	\N	0	\N	2026-12-06 17:13:07.452112+00	\N
\.


--
-- Data for Name: idempotency_keys; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.idempotency_keys (user_id, contract, key, body_hash, group_id, created_at) FROM stdin;
\.


--
-- Data for Name: installation; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.installation (singleton, system_identifier, database_oid, secret_digest, salt_digest, moved_from, reminder_before, shard) FROM stdin;
t	7713642663964482119	5	\\x8cd097689820e13a4288c8fa44db5ad606ea03c52b5117d182b4335dc9672b7a	\\x559982aea264e3e60f8abeca00116ebd72b65b507318468e3989329960e8a8cd	\N	0	0
\.


--
-- Data for Name: invitations; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.invitations (group_id, number, channel, delivery, response, attempts, link_version, reminders, contact_since, refusals, pauses, crashes, incarnation, due, start_tag, changed_at, expires_at, responded_at, contact, server, message_id, reason, locale, accepted_at, accepted_us, segments, accepted_code, accepted_detail) FROM stdin;
01a2284b-d272-79bc-8007-af9664a89b95	2	EMAIL	sent	revoked	1	1	0	1	0	0	0	2	\N	4	2026-11-29 17:13:07.460073+00	2026-12-06 17:13:07.452112+00	2026-11-29 17:13:07.456834+00	anna@example.com	mail	inv-01a2284bd27279bc8007af9664a89b95.2.1	\N	de	2026-11-29 17:13:07.45507+00	54	\N	captured	\N
01a2284b-d1b0-757c-8002-cdc618567ee7	2	MOBILE	delivered	accepted	1	1	0	1	0	0	0	2	\N	1	2026-11-29 17:13:07.287096+00	2026-12-06 17:13:07.254742+00	2026-11-29 17:13:07.287096+00	+27701231234	sms	inv-01a2284bd1b0757c8002cdc618567ee7.2.1	\N	\N	2026-11-29 17:13:07.268316+00	2	1	captured	\N
01a2284b-d1b0-757c-8002-cdc618567ee7	3	MOBILE	delivered	declined	1	1	0	1	0	0	0	2	\N	452	2026-11-29 17:13:07.289979+00	2026-12-06 17:13:07.254742+00	2026-11-29 17:13:07.289979+00	+27701231235	sms	inv-01a2284bd1b0757c8002cdc618567ee7.3.1	\N	\N	2026-11-29 17:13:07.268337+00	7	1	captured	\N
01a2284b-d1b0-757c-8002-cdc618567ee7	4	EMAIL	sent	pending	1	2	0	1	0	0	0	2	\N	3	2026-11-29 17:13:07.3042+00	2026-12-06 17:13:07.292396+00	\N	dora@example.com	mail	inv-01a2284bd1b0757c8002cdc618567ee7.4.2	\N	\N	2026-11-29 17:13:07.295684+00	50	\N	captured	\N
01a2284b-d1b0-757c-8002-cdc618567ee7	5	EMAIL	canceled	revoked	0	2	0	1	0	0	0	2	\N	4	2026-11-29 17:13:07.343508+00	2026-12-06 17:13:07.332185+00	2026-11-29 17:13:07.343508+00	emil@example.com	mail	\N	\N	\N	2026-11-29 17:13:07.283992+00	58	\N	captured	\N
\.


--
-- Data for Name: members; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.members (group_id, number, is_leader, user_id, name, picture) FROM stdin;
01a2284b-d1b0-757c-8002-cdc618567ee7	1	t	1	user 1	\N
01a2284b-d1b0-757c-8002-cdc618567ee7	3	f	\N	Celia	\N
01a2284b-d1b0-757c-8002-cdc618567ee7	4	f	\N	Dora	\N
01a2284b-d1b0-757c-8002-cdc618567ee7	5	f	\N	Emil	\N
01a2284b-d1b0-757c-8002-cdc618567ee7	2	f	2	Barnaby	\N
01a2284b-d272-79bc-8007-af9664a89b95	1	t	1	user 1	\N
01a2284b-d272-79bc-8007-af9664a89b95	2	f	3	Anna	\N
\.


--
-- Data for Name: pauses; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.pauses (server, by_dispatcher, since, fingerprint, reason, until) FROM stdin;
\.


--
-- Data for Name: pictures; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.pictures (group_id, id, created_at, media_type, data) FROM stdin;
\.


--
-- Data for Name: polls; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.polls (group_id, number, link_version, tries, next_at, server, message_id, crashes) FROM stdin;
\.


--
-- Data for Name: receipt_counts; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.receipt_counts (id, day, server, result, receipts) FROM stdin;
1	2026-11-29	mail	refused	1
2	2026-11-29	bounce	ignored	1
\.


--
-- Data for Name: receipts; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.receipts (id, received_at, way, server, result, group_id, member, status, code, message_id, digest, raw) FROM stdin;
\.


--
-- Data for Name: requests; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.requests (group_id, user_id, requested_at) FROM stdin;
\.


--
-- Data for Name: resends; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.resends (contact_hash, at) FROM stdin;
\\x5c1c09fca0b349a047db5dc6608cdffb949ff0c88c2b00a1662c887112d0a733	2026-11-29 17:13:07.292396+00
\\xcccab1158d93849d026c51a260d075e81cff51dd1a550557066b3f50969d6ade	2026-11-29 17:13:07.332185+00
\.


--
-- Data for Name: sends; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.sends (key, leader, message, at) FROM stdin;
9094389067624474502	1	-5711178500798962100	2026-11-29 17:13:07.267197+00
7551283714122200780	1	-6809704090118093677	2026-11-29 17:13:07.268182+00
-4194714999281103586	1	7176247557802118780	2026-11-29 17:13:07.268182+00
7040757528751815748	1	-8783309966713465293	2026-11-29 17:13:07.283917+00
9094389067624474502	1	-5711178500798962099	2026-11-29 17:13:07.295599+00
3646380545909060919	1	6054114467378531168	2026-11-29 17:13:07.454698+00
\.


--
-- Data for Name: suppression_salt; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.suppression_salt (singleton, salt) FROM stdin;
t	\\xac2cb5d1a19109b8fc9b81af488fa0a6
\.


--
-- Data for Name: suppressions; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.suppressions (contact_hash, channel, reason, since, server, code, evidence, receipt) FROM stdin;
\\x4c9f809bed47431d658f239c654963e9d4b1148d89bf4a799684a548204c0f5a	EMAIL	operator	2026-11-29 17:13:07.296148+00	\N	\N	\N	\N
\.


--
-- Data for Name: templates; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.templates (channel, locale, subject, body, html, changed_at) FROM stdin;
EMAIL	en	An invitation to {group}	{inviter} invites you to {group}: {link}	\N	2026-11-29 17:13:07.296467+00
\.


--
-- Data for Name: usage; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.usage (id, user_id, day, groups, picture_bytes) FROM stdin;
\.


--
-- Data for Name: users; Type: TABLE DATA; Schema: group_api_private; Owner: -
--

COPY group_api_private.users (id, subject, username, real_name, ext_id, avatar, email, mobile, locale, created_at, issuer, role_oid, role_cluster) FROM stdin;
1	role:postgres	\N	\N	\N	\N	\N	\N	\N	2026-11-29 17:13:07.248424+00	\N	10	7713642663964482119
2	barnaby-1	\N	\N	\N	\N	\N	\N	\N	2026-11-29 17:13:07.288411+00		\N	\N
3	anna	\N	Anna	\N	\N	anna@example.com	\N	de	2026-11-29 17:13:07.295738+00	\N	\N	\N
\.


--
-- Name: events_id_seq; Type: SEQUENCE SET; Schema: group_api_private; Owner: -
--

SELECT pg_catalog.setval('group_api_private.events_id_seq', 1, false);


--
-- Name: groups_number_seq; Type: SEQUENCE SET; Schema: group_api_private; Owner: -
--

SELECT pg_catalog.setval('group_api_private.groups_number_seq', 2, true);


--
-- Name: incarnations; Type: SEQUENCE SET; Schema: group_api_private; Owner: -
--

SELECT pg_catalog.setval('group_api_private.incarnations', 2, true);


--
-- Name: receipt_counts_id_seq; Type: SEQUENCE SET; Schema: group_api_private; Owner: -
--

SELECT pg_catalog.setval('group_api_private.receipt_counts_id_seq', 2, true);


--
-- Name: receipts_id_seq; Type: SEQUENCE SET; Schema: group_api_private; Owner: -
--

SELECT pg_catalog.setval('group_api_private.receipts_id_seq', 1, false);


--
-- Name: usage_id_seq; Type: SEQUENCE SET; Schema: group_api_private; Owner: -
--

SELECT pg_catalog.setval('group_api_private.usage_id_seq', 1, false);


--
-- Name: users_id_seq; Type: SEQUENCE SET; Schema: group_api_private; Owner: -
--

SELECT pg_catalog.setval('group_api_private.users_id_seq', 3, true);


--
-- PostgreSQL database dump complete
--


