/* SPDX-License-Identifier: ISC */
/* table - the services of bobbind, a row each. */
#include "services.h"

#include <stddef.h>

const struct service *const service_table[] = {
	&line_service,
	&frame_service,
	&echo_service,
	NULL,
};
