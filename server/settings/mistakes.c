/* SPDX-License-Identifier: ISC */
/* mistakes - what is wrong with a command line or a configuration file. */
#include "mistakes.h"

#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

static void tell(struct mistakes *f, const char *format, va_list args)
{
	vfprintf(f->to, format, args);
	fputc('\n', f->to);
}

void mistakes_in_file(struct mistakes *f, const char *file, unsigned line, const char *format, ...)
{
	va_list args;

	f->file++;
	fprintf(f->to, "%s:%u: ", file, line);
	va_start(args, format);
	tell(f, format, args);
	va_end(args);
}

void mistakes_in_usage(struct mistakes *f, const char *format, ...)
{
	va_list args;

	f->usage++;
	fputs("bobbind: ", f->to);
	va_start(args, format);
	tell(f, format, args);
	va_end(args);
}

void mistakes_unreadable(struct mistakes *f, const char *file, int error)
{
	f->unreadable = error;
	fprintf(f->to, "bobbind: %s: %s\n", file, strerrordesc_np(error));
}

int mistakes_status(const struct mistakes *f)
{
	if (f->usage > 0)
		return EX_USAGE;
	if (f->unreadable)
		return EX_NOINPUT;
	return f->file > 0 ? EX_CONFIG : EX_OK;
}
