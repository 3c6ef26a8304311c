/* SPDX-License-Identifier: ISC */
/*
 * json - is a line of the log a JSON object, as strictly as RFC 8259 has it?
 */
#ifndef BOBBIN_TEST_UNIT_JSON_H
#define BOBBIN_TEST_UNIT_JSON_H

#include <stdbool.h>

/* One flat object of strings and numbers, in valid UTF-8, with a '\n' and nothing else behind it.
 */
bool json_is_line(const char *text);

#endif
