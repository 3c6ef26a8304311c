/* SPDX-License-Identifier: ISC */
/* pipe - what a predecessor and its successor say to each other. */
#include "pipe.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ESCAPE_LEN 3

size_t pipe_encoded_length(const char *name)
{
	return strlen(name) * ESCAPE_LEN;
}

char *pipe_encode(char *to, const char *name)
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

void pipe_decode(char *name)
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

void pipe_say(int pipe, enum pipe_kind kind, uint32_t value)
{
	const struct pipe_message m = {.kind = kind, .value = value};

	while (write(pipe, &m, sizeof m) < 0 && errno == EINTR)
		continue;
}
