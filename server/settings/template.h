/* SPDX-License-Identifier: ISC */
/*
 * template - text with placeholders, for what is said to a client: a banner, a reply's prefix.
 *
 * "{instance}", "{id}", "{peer}" and "{listener}" stand for values; "{{" is one '{'; everything
 * else, a '}' too, is itself.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_SERVER_SETTINGS_TEMPLATE_H
#define BOBBIN_SERVER_SETTINGS_TEMPLATE_H

#include "common/address.h"

#include <stdbool.h>
#include <stddef.h>

/* The most bytes that a value takes; a longer one is cut off. */
#define TEMPLATE_INSTANCE_MAX 255
#define TEMPLATE_ID_MAX       40
#define TEMPLATE_PEER_MAX     ADDRESS_TEXT_MAX
#define TEMPLATE_LISTENER_MAX 320

/* Room for the expansion of any text of the configuration, on the stack of a worker. */
#define TEMPLATE_TEXT_MAX 2048

struct template_values {
	const char *instance; /* which server it is */
	const char *id;       /* the connection's */
	const char *peer;     /* the client's address */
	const char *listener; /* the name of the listener that accepted it */
};

/*
 * True if text can be expanded, into room bytes whatever the values.  False, with a sentence in
 * mistake that says what is wrong and what would be right, cut off at mistake_size, if not.
 */
bool template_check(const char *text, size_t room, char *mistake, size_t mistake_size);

/* True if text is its own expansion, and may be sent as it is. */
bool template_is_plain(const char *text);

/*
 * Write the expansion of a text that passed template_check() with this room or less.  Returns its
 * length in bytes; no NUL follows it.
 */
size_t template_expand(
	const char *text, const struct template_values *values, char *to, size_t room);

#endif
