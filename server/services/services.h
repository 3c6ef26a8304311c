/* SPDX-License-Identifier: ISC */
/* services - the names by which table.c knows the services of this folder. */
#ifndef BOBBIN_SERVER_SERVICES_SERVICES_H
#define BOBBIN_SERVER_SERVICES_SERVICES_H

#include "server/service.h"

extern const struct service echo_service;
extern const struct service frame_service;
extern const struct service line_service;

#endif
