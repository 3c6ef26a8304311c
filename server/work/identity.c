/* SPDX-License-Identifier: ISC */
/* identity - the names of this run of the server and of its connections. */
#include "identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

void identity_init(struct identity *i)
{
	unsigned char bytes[(sizeof i->run - 1) / 2];

	/* getrandom(2) gives up to 256 bytes whole. */
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		abort();
	for (size_t n = 0; n < sizeof bytes; n++)
		snprintf(i->run + 2 * n, 3, "%02x", bytes[n]);
	if (gethostname(i->host, sizeof i->host) < 0)
		strcpy(i->host, "localhost");
	i->host[sizeof i->host - 1] = '\0';
}

char *identity_format(const struct identity *i, uint64_t number, char text[IDENTITY_ID_MAX])
{
	snprintf(text, IDENTITY_ID_MAX, "%s-%" PRIu64, i->run, number);
	return text;
}
