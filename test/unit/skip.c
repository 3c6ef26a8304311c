/* SPDX-License-Identifier: ISC */
/* skip - which test does not run here, and why. */
#include "skip.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

void skip_tell(const char *name, const char *reason)
{
	size_t len = strlen(name);

	/* Check puts _fn behind the name of a test's function. */
	if (len > 3 && strcmp(name + len - 3, "_fn") == 0)
		len -= 3;
	printf("skipped: %.*s: %s\n", (int)len, name, reason);
	fflush(stdout);
}

bool skip_knows_localhost(const char *name)
{
	struct addrinfo *found;

	if (getaddrinfo("localhost", NULL, NULL, &found) == 0) {
		freeaddrinfo(found);
		return true;
	}
	skip_tell(name, "localhost has no address here (put it into /etc/hosts)");
	return false;
}
