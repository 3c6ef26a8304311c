/* SPDX-License-Identifier: ISC */
/*
 * settings - all that was chosen, in one set that does not change once it is loaded.
 *
 * A set is counted: each user holds it, and the last release frees it.  So a reload takes nothing
 * away from the connections that began with the old set.
 *
 * Threads:  one thread fills a set in; afterwards any thread may read, hold and release it.
 */
#ifndef BOBBIN_SERVER_SETTINGS_SETTINGS_H
#define BOBBIN_SERVER_SETTINGS_SETTINGS_H

#include "fields.h"

/*
 * A set with every row at its default and no listener, held once by the caller.  Never NULL:
 * without memory the process ends.
 */
struct settings *settings_new(void);

/* Hold it once more.  Returns it. */
struct settings *settings_hold(struct settings *s);

/* Release it once; the last release frees it.  Takes NULL. */
void settings_release(struct settings *s);

/*
 * A new endpoint at the end of the set, a copy of its defaults.  Valid until the next call.
 */
struct endpoint *settings_add_endpoint(struct settings *s);

/*
 * The same, with the keys that only a listener has (name, network, address and so on) copied from
 * an endpoint of another set.
 */
struct endpoint *settings_add_copy(struct settings *s, const struct endpoint *of);

/* Drop all endpoints. */
void settings_clear_endpoints(struct settings *s);

/*
 * Check one key of an endpoint whose keys are set, and derive what follows from it: where, service
 * and terms.framing, the lists of blocks, a name if it has none.  Call it with check = 0, 1, ...
 * until *key is NULL.  Returns NULL, or a sentence in static memory that says what is wrong with it.
 */
const char *settings_check_endpoint(
	struct settings *s, struct endpoint *e, unsigned check, const char **key);

/* Make all those checks.  Returns the first mistake, or NULL. */
const char *settings_finish_endpoint(struct settings *s, struct endpoint *e, const char **key);

/* The endpoint of s that is the same listener as e: name, network and address.  NULL: none is. */
const struct endpoint *settings_find_endpoint(const struct settings *s, const struct endpoint *e);

#endif
