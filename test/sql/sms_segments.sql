-- group_api.sms_segments(text): how many SMS a text takes.  3GPP TS 23.038 has
-- the alphabet, TS 23.040 the room: 160 septets alone or 153 a part, 70 UTF-16
-- units alone or 67 a part.
BEGIN;
SELECT no_plan();

SELECT is(group_api.sms_segments(text), segments, title)
FROM (VALUES
	('', 0, 'an empty text takes none'),
	('x', 1, 'one letter takes one'),
	(repeat('x', 160), 1, '160 septets fit into one'),
	(repeat('x', 161), 2, '161 do not'),
	(repeat('x', 306), 2, 'two parts have 153 septets each'),
	(repeat('x', 307), 3, '307 septets take three'),
	(repeat('x', 459), 3, 'three times 153'),
	(repeat('x', 460), 4, 'and one more'),
	(repeat('x', 1530), 10, 'ten parts'),
	-- the basic alphabet, each letter one septet
	(repeat('@', 160), 1, 'the sign @ is one septet'),
	(repeat('é', 160), 1, 'é is in the alphabet'),
	(repeat('Ω', 160), 1, 'so is the Greek omega'),
	(repeat('ß', 160), 1, 'and the German ß'),
	(repeat('Ç', 160), 1, 'and Ç'),
	(repeat(E'\n', 160), 1, 'and the line end'),
	(repeat(E'\r', 160), 1, 'and the carriage return'),
	(repeat('¡', 160), 1, 'and ¡'),
	-- its extension, each letter two septets
	(repeat('€', 80), 1, 'the euro sign takes two septets'),
	(repeat('€', 81), 2, 'so that 81 of them are too many'),
	(repeat('[', 80), 1, 'so does a bracket'),
	(repeat('\', 80), 1, 'and the backslash'),
	(repeat('~', 81), 2, 'and the tilde'),
	(repeat('^{}|[]', 13) || 'xxxx', 1, '78 doubled letters and four are 160 septets'),
	(repeat('x', 159) || '€', 2, 'an escape takes its second septet along'),
	(repeat('x', 158) || '€', 1, 'and fits where both fit'),
	-- an escaped letter is not torn apart between two parts
	(repeat('x', 152) || '€' || repeat('x', 152), 3, 'a pair that does not fit moves on to the next part'),
	(repeat('x', 151) || '€' || repeat('x', 153), 2, 'a pair that fits stays'),
	-- anything else turns the whole into UCS-2
	(repeat('x', 69) || 'ç', 1, '70 units fit into one'),
	(repeat('x', 70) || 'ç', 2, '71 do not: one strange letter and all count so'),
	(repeat('ç', 134), 2, 'two parts have 67 units each'),
	(repeat('ç', 135), 3, '135 units take three'),
	('`', 1, 'the grave accent is not in the alphabet'),
	(repeat('`', 71), 2, 'so 71 of them take two'),
	(repeat('п', 70), 1, 'Cyrillic has 70 letters to an SMS'),
	(repeat('п', 71), 2, 'and not 71'),
	(repeat('東', 67) || repeat('京', 67), 2, 'Chinese has 67 to a part'),
	(repeat(E'\t', 71), 2, 'a tab is not in the alphabet'),
	(repeat('’', 71), 2, 'nor is a typographic apostrophe'),
	-- beyond the Basic Multilingual Plane
	(repeat('🎹', 35), 1, 'an emoji is two units'),
	(repeat('🎹', 36), 2, 'so that 36 take two SMS'),
	(repeat('🎹', 66), 2, 'a part has 33 of them: a pair is not torn apart'),
	(repeat('🎹', 67), 3, 'and 67 take three'))
	AS texts (text, segments, title);

SELECT is(group_api.sms_segments(NULL), NULL, 'null takes null');
SELECT is(group_api.sms_segments(repeat('x', 1000000)), 6536, 'a million letters are counted');

-- GSM 03.38, letter by letter: 128 places, of which one is the escape.
SELECT is(count(*) FILTER (WHERE group_api.sms_segments(repeat(chr(c), 160)) = 1)::int, 127,
	'the alphabet has 127 letters of one septet')
FROM generate_series(1, 65535) AS c WHERE c NOT BETWEEN 55296 AND 57343;
SELECT is(string_agg(chr(c), '' ORDER BY c), E'\f[\\]^{|}~€',
	'and its extension ten of two')
FROM generate_series(1, 65535) AS c WHERE c NOT BETWEEN 55296 AND 57343
	AND group_api.sms_segments(repeat(chr(c), 160)) > 1
	AND group_api.sms_segments(repeat(chr(c), 80)) = 1;

SELECT * FROM finish();
ROLLBACK;
