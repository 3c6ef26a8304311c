/* SPDX-License-Identifier: ISC */
/* barrier - a counting barrier. */
#include "barrier.h"

#include "deadline.h"
#include "lock.h"

#include <assert.h>

void barrier_init(struct barrier *b)
{
	lock_init(&b->lock);
	lock_cond_init(&b->empty);
	b->inside = 0;
	b->closed = false;
}

bool barrier_enter(struct barrier *b)
{
	lock_take(&b->lock);
	bool open = !b->closed;
	if (open)
		b->inside++;
	lock_drop(&b->lock);
	return open;
}

void barrier_leave(struct barrier *b)
{
	lock_take(&b->lock);
	assert(b->inside > 0);
	/*
	 * Under the lock, or the waiter could find one thread inside, and then go to sleep after
	 * the signal.
	 */
	if (--b->inside == 0)
		pthread_cond_signal(&b->empty);
	lock_drop(&b->lock);
}

void barrier_close(struct barrier *b)
{
	lock_take(&b->lock);
	b->closed = true;
	lock_drop(&b->lock);
}

unsigned barrier_wait(struct barrier *b, int64_t deadline_ns)
{
	lock_take(&b->lock);
	while (b->inside > 0 && deadline_now() < deadline_ns)
		lock_wait(&b->empty, &b->lock, deadline_ns);
	unsigned inside = b->inside;
	lock_drop(&b->lock);
	return inside;
}
