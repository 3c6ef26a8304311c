/* SPDX-License-Identifier: ISC */
/* handover - what a predecessor and its successor say to each other. */
#include "pipe.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ESCAPE_LEN 3

size_t handover_encoded_length(const char *name)
{
	return strlen(name) * ESCAPE_LEN;
}

char *handover_encode(char *to, const char *name)
{
	for (; *name; name++) {
		if (*name == '%')
			to = stpcpy(to, "%25");
		else if (*name == ':')
			to = stpcpy(to, "%3a");
		else
			*to++ = *name;
	}
	*to = '\0';
	return to;
}

void handover_decode(char *name)
{
	char *to = name;

	while (*name) {
		char c = *name;
		if (strncmp(name, "%25", ESCAPE_LEN) == 0 ||
			strncmp(name, "%3a", ESCAPE_LEN) == 0) {
			c = name[1] == '2' ? '%' : ':';
			name += ESCAPE_LEN - 1;
		}
		*to++ = c;
		name++;
	}
	*to = '\0';
}

/* Async-signal-safe: it is also called between fork(2) and exec(3). */
void handover_say(int pipe, enum handover_kind kind, uint32_t value)
{
	const struct handover_message m = {.kind = kind, .value = value};

	while (write(pipe, &m, sizeof m) < 0 && errno == EINTR)
		continue;
}
