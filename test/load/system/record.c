/* SPDX-License-Identifier: ISC */
/* record - what a server saw. */
#include "record.h"

#include "framing.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 19 /* 8 digits, a point, 10 digits */

static const char *const ends[] = {
	[RECORD_OPEN] = "open",
	[RECORD_CLIENT_FIN] = "client_fin",
	[RECORD_CLIENT_RESET] = "client_reset",
	[RECORD_SERVER_FIN] = "server_fin",
	[RECORD_SERVER_CLOSED] = "server_closed",
	[RECORD_SERVER_RESET] = "server_reset",
};

void record_free(struct record *r)
{
	free(r->connections);
	free(r->messages);
	*r = (struct record){NULL, 0, NULL, 0};
}

/* Room for one more behind count, in an array that doubles at each power of two. */
static void *grown(void *array, size_t count, size_t size)
{
	if (count != 0 && (count & (count - 1)) != 0)
		return array;
	void *larger = realloc(array, (count ? 2 * count : 1) * size);
	must(larger != NULL, "realloc");
	return larger;
}

static void add_connection(struct record *r, struct record_connection c)
{
	r->connections = grown(r->connections, r->connection_count, sizeof c);
	r->connections[r->connection_count++] = c;
}

static void add_message(struct record *r, struct record_message m)
{
	r->messages = grown(r->messages, r->message_count, sizeof m);
	r->messages[r->message_count++] = m;
}

size_t record_accept(struct record *r, unsigned port, int64_t now_ns)
{
	add_connection(r, (struct record_connection){.port = port, .accepted_ns = now_ns});
	return r->connection_count - 1;
}

static bool read_digits(const char *text, size_t len, uint64_t *value)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		const char *digits = "0123456789abcdef";
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
		if (!digit)
			return false;
		v = v << 4 | (uint64_t)(digit - digits);
	}
	*value = v;
	return true;
}

size_t record_arrival(
	struct record *r, size_t connection, const char *payload, size_t len, int64_t now_ns)
{
	struct record_message m = {
		.connection = connection,
		.id = RECORD_NO_ID,
		.arrived_ns = now_ns,
	};
	uint64_t id;

	r->connections[connection].received++;
	if (r->message_count == RECORD_MESSAGES_MAX)
		return SIZE_MAX;
	if (len >= HEADER_BYTES && payload[8] == '.' && read_digits(payload, 8, &id) &&
		read_digits(payload + 9, 10, &m.sequence))
		m.id = (uint32_t)id;
	add_message(r, m);
	return r->message_count - 1;
}

void record_reply(struct record *r, size_t connection, size_t message, int64_t now_ns)
{
	r->connections[connection].replied++;
	if (message != SIZE_MAX)
		r->messages[message].replied_ns = now_ns;
}

void record_ended(struct record *r, size_t connection, enum record_end end, int64_t now_ns)
{
	struct record_connection *c = &r->connections[connection];

	if (c->end != RECORD_OPEN)
		return;
	c->end = end;
	c->ended_ns = now_ns;
}

static void write_all(const struct record *r, FILE *to)
{
	for (size_t i = 0; i < r->connection_count; i++) {
		const struct record_connection *c = &r->connections[i];
		fprintf(to,
			"connection %zu port %u accepted %" PRId64 " ended %" PRId64
			" by %s received %" PRIu64 " replied %" PRIu64 "\n",
			i, c->port, c->accepted_ns, c->ended_ns, ends[c->end], c->received,
			c->replied);
	}
	for (size_t i = 0; i < r->message_count; i++) {
		const struct record_message *m = &r->messages[i];
		fprintf(to,
			"message %zu %" PRIx32 " %" PRIu64 " arrived %" PRId64 " replied %" PRId64
			"\n",
			m->connection, m->id, m->sequence, m->arrived_ns, m->replied_ns);
	}
	fprintf(to, "end %zu %zu\n", r->connection_count, r->message_count);
}

bool record_write(const struct record *r, const char *path)
{
	bool to_stdout = strcmp(path, "-") == 0;
	FILE *to = to_stdout ? stdout : fopen(path, "we");

	if (!to)
		return false;
	write_all(r, to);
	bool failed = ferror(to) != 0 || fflush(to) != 0;
	if (!to_stdout)
		failed |= fclose(to) != 0;
	return !failed;
}

static enum record_end end_named(const char *name)
{
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		if (strcmp(name, ends[i]) == 0)
			return (enum record_end)i;
	}
	return RECORD_OPEN;
}

static bool read_connection(struct record *r, const char *line)
{
	struct record_connection c;
	char end[32];

	if (sscanf(line,
		    "connection %*u port %u accepted %" SCNd64 " ended %" SCNd64
		    " by %31s received %" SCNu64 " replied %" SCNu64,
		    &c.port, &c.accepted_ns, &c.ended_ns, end, &c.received, &c.replied) != 6)
		return false;
	c.end = end_named(end);
	add_connection(r, c);
	return true;
}

static bool read_message(struct record *r, const char *line)
{
	struct record_message m;

	if (sscanf(line, "message %zu %" SCNx32 " %" SCNu64 " arrived %" SCNd64 " replied %" SCNd64,
		    &m.connection, &m.id, &m.sequence, &m.arrived_ns, &m.replied_ns) != 5)
		return false;
	add_message(r, m);
	return true;
}

/* Its last line tells a whole record from one that was cut short. */
static bool is_end(const struct record *r, const char *line)
{
	size_t connections;
	size_t messages;

	return sscanf(line, "end %zu %zu", &connections, &messages) == 2 &&
		connections == r->connection_count && messages == r->message_count;
}

bool record_read(struct record *r, const char *path)
{
	FILE *from = fopen(path, "re");
	char line[256];
	bool whole = false;

	*r = (struct record){NULL, 0, NULL, 0};
	if (!from)
		return false;
	while (fgets(line, sizeof line, from)) {
		if (read_connection(r, line) || read_message(r, line))
			continue;
		whole = is_end(r, line);
		break;
	}
	fclose(from);
	if (!whole)
		record_free(r);
	return whole;
}

uint64_t record_received(const struct record *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < r->connection_count; i++)
		sum += r->connections[i].received;
	return sum;
}

uint64_t record_replied(const struct record *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < r->connection_count; i++)
		sum += r->connections[i].replied;
	return sum;
}

uint64_t record_ended_by(const struct record *r, enum record_end end)
{
	uint64_t count = 0;

	for (size_t i = 0; i < r->connection_count; i++)
		count += r->connections[i].end == end;
	return count;
}
