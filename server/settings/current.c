/* SPDX-License-Identifier: ISC */
/* current - the settings in force. */
#include "current.h"

#include "common/lock.h"

void current_init(struct current *c, struct settings *s)
{
	*c = (struct current){.settings = s};
	lock_init(&c->lock);
}

struct settings *current_hold(struct current *c)
{
	lock_take(&c->lock);
	struct settings *s = settings_hold(c->settings);
	lock_drop(&c->lock);
	return s;
}

void current_replace(struct current *c, struct settings *s)
{
	lock_take(&c->lock);
	struct settings *before = c->settings;
	c->settings = s;
	lock_drop(&c->lock);
	atomic_fetch_add(&c->version, 1);
	settings_release(before);
}

unsigned current_version(struct current *c)
{
	return atomic_load(&c->version);
}
