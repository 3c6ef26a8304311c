/* SPDX-License-Identifier: ISC */
/* sum - adds up the numbers of a line. */
#include "services.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns what is wrong with the text, or NULL. */
static const char *add_up(const char *text, long *sum)
{
	char *end;

	*sum = 0;
	errno = 0;
	for (text += strspn(text, " "); *text; text = end + strspn(end, " ")) {
		long number = strtol(text, &end, 10);
		if (end == text || (*end && *end != ' '))
			return "only numbers and spaces can be added up";
		if (errno == ERANGE || __builtin_add_overflow(*sum, number, sum))
			return "the sum is too large";
	}
	return NULL;
}

/* The sum of a line, or what is wrong with it. */
static const char *add_up_line(const struct stream_message *line, long *sum)
{
	char text[256];
	size_t len = line->len;

	if (len >= sizeof text)
		return "a line to add up has 255 bytes at most";
	if (memchr(line->data, '\0', len))
		return "a line to add up has no NUL byte";
	memcpy(text, line->data, len);
	/* telnet ends its lines with CR LF. */
	text[len > 0 && text[len - 1] == '\r' ? len - 1 : len] = '\0';
	return add_up(text, sum);
}

static void serve(struct stream *s, const struct connection *c)
{
	struct stream_message line;
	char reply[32];
	long sum;

	(void)c;
	while (stream_read_line(s, &line)) {
		const char *wrong = add_up_line(&line, &sum);
		if (wrong) {
			stream_refuse(s, "%s", wrong);
			return;
		}
		stream_write(s, reply, (size_t)snprintf(reply, sizeof reply, "%ld\n", sum));
	}
}

const struct service sum_service = {
	.name = "sum",
	.framing = STREAM_LINE,
	.serve = serve,
	.try_before = "echo 1 2 3 | nc -N",
};
