/*
 * picture_store.c
 *		Statements on uploaded pictures.
 *
 * A picture belongs to a group, whose row says "picture:UUID" where it is shown;
 * it goes with the group, or when another takes its place.  Whoever changes a
 * group's pictures holds the lock of the group's row.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "store/group/picture_store.h"
#include "store/plan_cache.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

pg_uuid_t
ga_picture_new_id(void)
{
	pg_uuid_t id;

	if (!pg_strong_random(id.data, UUID_LEN))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
						errmsg("could not generate a UUID")));
	id.data[6] = (id.data[6] & 0x0F) | 0x40; /* version 4 */
	id.data[8] = (id.data[8] & 0x3F) | 0x80; /* variant of RFC 9562 */
	return id;
}

void
ga_picture_insert(pg_uuid_t group_id, const GaStoredPicture *picture)
{
	static GaPlan plan = {
		.sql = "INSERT INTO group_api_private.pictures"
			   " (group_id, id, media_type, data) VALUES ($1, $2, $3, $4)",
		.nargs = 4,
		.argtypes = {UUIDOID, UUIDOID, TEXTOID, BYTEAOID},
	};
	Datum values[4] = {UUIDPGetDatum(&group_id), UUIDPGetDatum(&picture->id),
					   CStringGetTextDatum(picture->media_type),
					   PointerGetDatum(cstring_to_text_with_len(
						   picture->data, (int) picture->length))};

	ga_plan_run(&plan, values, NULL, SPI_OK_INSERT);
}

void
ga_pictures_tidy(pg_uuid_t group_id)
{
	static GaPlan plan = {
		.sql = "DELETE FROM group_api_private.pictures p"
			   " USING group_api_private.groups g"
			   " WHERE p.group_id = $1 AND g.id = $1"
			   "  AND g.image IS DISTINCT FROM 'picture:' || p.id"
			   "  AND g.emotional_image IS DISTINCT FROM 'picture:' || p.id",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&group_id)};

	ga_plan_run(&plan, values, NULL, SPI_OK_DELETE);
}

bool
ga_picture_find(const GaOwnerScope *scope, pg_uuid_t id,
				GaStoredPicture *picture)
{
	static GaPlan plan = {
		.sql = "SELECT media_type, data, created_at FROM "
			   "group_api_private.pictures"
			   " WHERE id = $1",
		.nargs = 1,
		.argtypes = {UUIDOID},
	};
	Datum values[1] = {UUIDPGetDatum(&id)};
	MemoryContext old;
	bytea *data;
	bool isnull;

	if (ga_plan_read(&plan, values, NULL) == 0)
		return false;
	picture->id = id;
	picture->media_type = ga_row_text(scope, 0, 1);
	picture->created_at = ga_row_int64(0, 3, 0);
	old = MemoryContextSwitchTo(scope->caller_context);
	data = DatumGetByteaPCopy(ga_row_datum(0, 2, &isnull));
	MemoryContextSwitchTo(old);
	picture->data = VARDATA(data);
	picture->length = VARSIZE(data) - VARHDRSZ;
	return true;
}
