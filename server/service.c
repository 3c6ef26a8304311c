/* SPDX-License-Identifier: ISC */
/* service - finding a service by its name. */
#include "service.h"

#include <stddef.h>
#include <string.h>

const struct service *service_find(const char *name)
{
	for (const struct service *const *s = service_table; *s; s++) {
		if (strcmp((*s)->name, name) == 0)
			return *s;
	}
	return NULL;
}
