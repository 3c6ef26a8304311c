/* SPDX-License-Identifier: ISC */
/* mistakes - what is wrong with a command line or a configuration file. */
#include "mistakes.h"

#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

static void tell(struct mistakes *m, const char *format, va_list args)
{
	vfprintf(m->to, format, args);
	fputc('\n', m->to);
}

void mistakes_in_file(struct mistakes *m, const char *file, unsigned line, const char *format, ...)
{
	va_list args;

	m->file++;
	fprintf(m->to, "%s:%u: ", file, line);
	va_start(args, format);
	tell(m, format, args);
	va_end(args);
}

void mistakes_in_usage(struct mistakes *m, const char *format, ...)
{
	va_list args;

	m->usage++;
	fputs("bobbind: ", m->to);
	va_start(args, format);
	tell(m, format, args);
	va_end(args);
}

void mistakes_unreadable(struct mistakes *m, const char *file, int error)
{
	m->unreadable = error;
	fprintf(m->to, "bobbind: %s: %s\n", file, strerrordesc_np(error));
}

int mistakes_status(const struct mistakes *m)
{
	if (m->usage > 0)
		return EX_USAGE;
	if (m->unreadable)
		return EX_NOINPUT;
	return m->file > 0 ? EX_CONFIG : EX_OK;
}
