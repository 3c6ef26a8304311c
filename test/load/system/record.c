/* SPDX-License-Identifier: ISC */
/* record - what a server saw. */
#include "record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct record *record_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *at = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (ftruncate(fd, sizeof(struct record)) == 0)
		at = mmap(NULL, sizeof(struct record), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

void record_unmap(struct record *r)
{
	if (r)
		munmap(r, sizeof *r);
}

size_t record_accept(struct record *r, int64_t now_ns)
{
	if (r->connection_count == RECORD_CONNECTIONS_MAX)
		abort();
	r->connections[r->connection_count].accepted_ns = now_ns;
	return r->connection_count++;
}

/* 8 hexadecimal digits, a point, 10 more. */
static void read_header(struct record_message *m, const char *payload, size_t len)
{
	char header[20] = "";
	int end = 0;

	memcpy(header, payload, len < 19 ? len : 19);
	sscanf(header, "%8" SCNx32 ".%10" SCNx64 "%n", &m->id, &m->sequence, &end);
	if (end != 19)
		m->id = RECORD_NO_ID;
}

size_t record_arrival(
	struct record *r, size_t connection, const char *payload, size_t len, int64_t now_ns)
{
	struct record_message *m = &r->messages[r->message_count];

	r->connections[connection].received++;
	if (r->message_count == RECORD_MESSAGES_MAX)
		return SIZE_MAX;
	*m = (struct record_message){.connection = connection, .arrived_ns = now_ns};
	read_header(m, payload, len);
	return r->message_count++;
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

double record_accepted(const struct record *r)
{
	return (double)r->connection_count;
}

double record_received(const struct record *r)
{
	double sum = 0;

	for (size_t i = 0; i < r->connection_count; i++)
		sum += (double)r->connections[i].received;
	return sum;
}

double record_replied(const struct record *r)
{
	double sum = 0;

	for (size_t i = 0; i < r->connection_count; i++)
		sum += (double)r->connections[i].replied;
	return sum;
}

double record_ended_by(const struct record *r, enum record_end end)
{
	double count = 0;

	for (size_t i = 0; i < r->connection_count; i++)
		count += r->connections[i].end == end;
	return count;
}

int64_t record_longest_ns(const struct record *r)
{
	int64_t longest_ns = 0;

	for (size_t i = 0; i < r->message_count; i++) {
		int64_t ns = r->messages[i].replied_ns - r->messages[i].arrived_ns;
		longest_ns = ns > longest_ns ? ns : longest_ns;
	}
	return longest_ns;
}
