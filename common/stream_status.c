/* SPDX-License-Identifier: ISC */
/* stream_status - what the owner of many streams and the thread of one tell each other. */
#include "stream_status.h"

#include "tally.h"

void stream_status_init(
	struct stream_status *status, const atomic_bool *draining, struct spin_permits *permits)
{
	status->draining = draining;
	status->permits = permits;
	tally_set(&status->bytes_in, 0);
	tally_set(&status->bytes_out, 0);
	tally_set(&status->messages_in, 0);
	tally_set(&status->messages_out, 0);
	atomic_store(&status->state, STATUS_BUSY);
}

struct stream_counts stream_counts(const struct stream_status *status)
{
	return (struct stream_counts){
		.bytes_in = tally_read(&status->bytes_in),
		.bytes_out = tally_read(&status->bytes_out),
		.messages_in = tally_read(&status->messages_in),
		.messages_out = tally_read(&status->messages_out),
	};
}

enum stream_state stream_status_publish(struct stream_status *status, enum stream_state state)
{
	int before = atomic_exchange(&status->state, state);

	if (before == STATUS_FORCED)
		atomic_store(&status->state, STATUS_FORCED);
	return (enum stream_state)before;
}

enum stream_state stream_status_state(const struct stream_status *status)
{
	return (enum stream_state)atomic_load(&status->state);
}
