/* SPDX-License-Identifier: ISC */
/*
 * sum - adds the numbers of a line; a service that only the tests have.
 *
 * It is what README's recipe makes, and shows what such a file gets without a line of its own for it.
 */
#include "server/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns false if something else than a number stands in the text. */
static bool add_up(const char *text, long *sum)
{
	char *end;

	for (*sum = 0; *text; text = end + strspn(end, " ")) {
		*sum += strtol(text, &end, 10);
		if (end == text || (*end && *end != ' '))
			return false;
	}
	return true;
}

static void serve(struct stream *s, const struct connection *c)
{
	struct stream_message line;
	char text[256];
	char reply[32];
	long sum;

	(void)c;
	while (stream_read_line(s, &line)) {
		snprintf(text, sizeof text, "%.*s", (int)line.len, line.data);
		if (strcmp(text, "bye") == 0)
			return;
		if (!add_up(text, &sum)) {
			stream_refuse(s, "only numbers and spaces can be added up");
			return;
		}
		stream_write(s, reply, (size_t)snprintf(reply, sizeof reply, "%ld\n", sum));
	}
}

static const struct service sum_service = {
	.name = "sum",
	.framing = STREAM_LINE,
	.serve = serve,
};

const struct service *const service_table[] = {&sum_service, NULL};
