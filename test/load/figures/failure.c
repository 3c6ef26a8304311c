/* SPDX-License-Identifier: ISC */
/* failure - what can go wrong with a connection, by name. */
#include "failure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *advice;
} rows[FAILURES] = {
	[FAILURE_REFUSED] = {"refused", "nothing listens there, or it refuses connections"},
	[FAILURE_TIMEOUT] = {"timeout", ""},
	[FAILURE_RESET] = {"reset", ""},
	[FAILURE_EOF] = {"eof", ""},
	[FAILURE_TRUNCATED] = {"truncated", ""},
	[FAILURE_UNREACHABLE] = {"unreachable", ""},
	[FAILURE_NO_LOCAL_PORT] = {"no local port",
		"this source address has no free port left: add addresses with --source"},
	[FAILURE_NO_DESCRIPTORS] = {"no descriptors",
		"raise the limit of open files (ulimit -Hn), or use fewer connections"},
	[FAILURE_BY_SERVER] = {"refused by server", ""},
	[FAILURE_NOT_SENT_LATE] = {"not sent: client late", "this client could not keep up"},
	[FAILURE_NO_VACANCY] = {"not sent: no room",
		"its connection was busy, closed or reconnecting; if busy, more connections (-c) or "
		"more in flight (-P) give room"},
	[FAILURE_OTHER] = {"failed", ""},
	[FAILURE_MISMATCH + VERDICT_DROPPED] = {"mismatch: dropped", ""},
	[FAILURE_MISMATCH + VERDICT_REPEATED] = {"mismatch: repeated", ""},
	[FAILURE_MISMATCH + VERDICT_SWAPPED] = {"mismatch: swapped", ""},
	[FAILURE_MISMATCH + VERDICT_CHANGED] = {"mismatch: changed", ""},
	[FAILURE_MISMATCH + VERDICT_SHORT] = {"mismatch: short", ""},
	[FAILURE_MISMATCH + VERDICT_LONG] = {"mismatch: long", ""},
	[FAILURE_MISMATCH + VERDICT_EARLY] = {"mismatch: early", ""},
	[FAILURE_MISMATCH + VERDICT_FOREIGN] = {"mismatch: foreign", ""},
	[FAILURE_MISMATCH + VERDICT_BANNER] = {"mismatch: banner", ""},
};

static const struct {
	int error;
	enum failure failure;
} errnos[] = {
	{ECONNREFUSED, FAILURE_REFUSED},
	{ETIMEDOUT, FAILURE_TIMEOUT},
	{ECONNRESET, FAILURE_RESET},
	{EPIPE, FAILURE_RESET},
	{EHOSTUNREACH, FAILURE_UNREACHABLE},
	{ENETUNREACH, FAILURE_UNREACHABLE},
	{EHOSTDOWN, FAILURE_UNREACHABLE},
	{ENETDOWN, FAILURE_UNREACHABLE},
	{ENONET, FAILURE_UNREACHABLE},
	{EADDRNOTAVAIL, FAILURE_NO_LOCAL_PORT},
	{EMFILE, FAILURE_NO_DESCRIPTORS},
	{ENFILE, FAILURE_NO_DESCRIPTORS},
};

static const char *const phase_names[] = {
	[PHASE_CONNECT] = "connecting",
	[PHASE_BANNER] = "waiting for the banner",
	[PHASE_IDLE] = "idle",
	[PHASE_SEND] = "sending",
	[PHASE_WAIT] = "waiting for a reply",
	[PHASE_REPLY] = "within a reply",
};

void failure_count(struct tally *t, enum failure failure, const struct example *example)
{
	failure_count_many(t, failure, 1, example);
}

void failure_count_many(
	struct tally *t, enum failure failure, uint64_t times, const struct example *example)
{
	if (t->count[failure] == 0 && times > 0)
		t->first[failure] = *example;
	t->count[failure] += times;
}

void failure_add(struct tally *t, const struct tally *from)
{
	for (size_t i = 0; i < FAILURES; i++) {
		if (t->count[i] == 0)
			t->first[i] = from->first[i];
		t->count[i] += from->count[i];
	}
}

uint64_t failure_total(const struct tally *t)
{
	uint64_t total = 0;

	for (size_t i = 0; i < FAILURES; i++)
		total += t->count[i];
	return total;
}

uint64_t failure_errors(const struct tally *t)
{
	return failure_total(t) - t->count[FAILURE_NOT_SENT_LATE];
}

uint64_t failure_mismatches(const struct tally *t)
{
	uint64_t total = 0;

	for (size_t i = FAILURE_MISMATCH; i < FAILURES; i++)
		total += t->count[i];
	return total;
}

enum failure failure_from_errno(int error)
{
	for (size_t i = 0; i < sizeof errnos / sizeof *errnos; i++) {
		if (errnos[i].error == error)
			return errnos[i].failure;
	}
	return FAILURE_OTHER;
}

const char *failure_name(enum failure failure)
{
	return rows[failure].name;
}

const char *failure_advice(enum failure failure)
{
	return rows[failure].advice;
}

const char *failure_phase_name(enum phase phase)
{
	return phase_names[phase];
}

/* Appends at *used, and moves it; what does not fit is left out. */
__attribute__((format(printf, 4, 5))) static void append(
	char *text, size_t size, size_t *used, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text + *used, size - *used, format, args);
	va_end(args);
	if (n > 0)
		*used = *used + (size_t)n < size ? *used + (size_t)n : size - 1;
}

char *failure_format_example(const struct example *e, char *text, size_t size)
{
	size_t used = 0;

	append(text, size, &used, "connection %" PRIu32 ", %s", e->connection,
		failure_phase_name(e->phase));
	if (e->phase > PHASE_IDLE)
		append(text, size, &used, " (message %" PRIu64 ")", e->sequence);
	if (e->error)
		append(text, size, &used, ": %s (%s)", strerrorname_np(e->error),
			strerrordesc_np(e->error));
	if (e->detail[0])
		append(text, size, &used, ": ");
	/* These may be the peer's words: none of them may reach a terminal as a command. */
	for (const char *p = e->detail; *p; p++)
		append(text, size, &used, *p >= ' ' && *p < 127 ? "%c" : "\\x%02x",
			(unsigned char)*p);
	return text;
}

static void append_byte(char *text, size_t size, size_t *used, int byte)
{
	if (byte < 0)
		append(text, size, used, "nothing");
	else if (byte > ' ' && byte < 127)
		append(text, size, used, "0x%02x ('%c')", (unsigned)byte, byte);
	else
		append(text, size, used, "0x%02x", (unsigned)byte);
}

static void describe_offset(const struct finding *f, char *text, size_t size, size_t *used)
{
	append(text, size, used, "reply %" PRIu64 " at offset %zu", f->sequence, f->offset);
	if (f->expected < 0 && f->received < 0)
		return;
	append(text, size, used, ": expected ");
	append_byte(text, size, used, f->expected);
	append(text, size, used, ", got ");
	append_byte(text, size, used, f->received);
}

void failure_describe_finding(const struct finding *f, char *text, size_t size)
{
	size_t used = 0;

	switch (f->verdict) {
	case VERDICT_DROPPED:
		append(text, size, &used,
			"reply %" PRIu64 " at offset 0: never came, reply %" PRIu64 " did",
			f->sequence, f->other_sequence);
		break;
	case VERDICT_SWAPPED:
		append(text, size, &used,
			"reply %" PRIu64 " at offset 0: came after reply %" PRIu64, f->sequence,
			f->other_sequence);
		break;
	case VERDICT_REPEATED:
		append(text, size, &used,
			"reply %" PRIu64 " at offset %zu: reply %" PRIu64 " came again",
			f->sequence, f->offset, f->other_sequence);
		break;
	case VERDICT_FOREIGN:
		append(text, size, &used,
			"reply %" PRIu64 " at offset %zu: message %" PRIu64
			" of connection %" PRIu32 " came",
			f->sequence, f->offset, f->other_sequence, f->other_connection);
		break;
	case VERDICT_EARLY:
		append(text, size, &used,
			"reply %" PRIu64 " at offset 0: came before its request was sent",
			f->sequence);
		break;
	default:
		describe_offset(f, text, size, &used);
	}
}
