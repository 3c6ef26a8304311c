/* SPDX-License-Identifier: ISC */
/* json - checks that a line of the log is a JSON object, as strictly as RFC 8259. */
#ifndef BOBBIN_TEST_UNIT_JSON_H
#define BOBBIN_TEST_UNIT_JSON_H

#include <stdbool.h>

/* True for one flat object of strings and numbers, in valid UTF-8, and a '\n' that ends the text. */
bool json_is_line(const char *text);

#endif
