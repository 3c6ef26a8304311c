/* SPDX-License-Identifier: ISC */
/* connection - one connection of the load, and its successors. */
#include "connection.h"

void connection_init(struct connection *c, uint32_t slot, const struct schedule *schedule,
	struct stamp *stamps, uint64_t stamp_mask)
{
	*c = (struct connection){
		.fd = -1,
		.stamps = stamps,
		.stamp_mask = stamp_mask,
	};
	slot_init(&c->slot, slot, schedule);
}

uint64_t connection_oldest(const struct connection *c)
{
	return c->checker.gap < c->checker.gap_end ? c->checker.gap : c->checker.due;
}

/* Echo may answer half a request, the others only a whole one. */
uint64_t connection_answerable(const struct connection *c, const struct lane *lane)
{
	return lane->wire->service == SERVICE_ECHO ? c->begun : c->sent;
}

bool connection_is_opening(const struct connection *c)
{
	return c->state == CONNECTION_OPENING || (c->state == CONNECTION_OPEN && c->banner_due);
}

bool connection_is_wanted(const struct connection *c, const struct lane *lane)
{
	return lane->start_ns == 0 || slot_has_more(&c->slot, lane);
}
