/* SPDX-License-Identifier: ISC */
/* options - every option as a row. */
#include "options.h"

#include "common/deadline.h"
#include "fields.h"
#include "template.h"

#include <assert.h>
#include <string.h>

#define MS     NS_PER_MS
#define DAY    (86400 * NS_PER_S)
#define KIB    (INT64_C(1) << 10)
#define GIB    (INT64_C(1) << 30)
#define NO_MAX 0

static const char *const networks[] = {"tcp", "tcp4", "tcp6", NULL};
static const char *const policies[] = {"wait", "refuse", NULL};
static const char *const schedules[] = {"latency", "throughput", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"logfmt", "json", NULL};

/* Room for a list of hundreds of blocks. */
#define LIST_MAX 65536

/* clang-format off: a table is read by its columns */
#define SERVER(field)   OPTION_SERVER, offsetof(struct settings, field)
#define ENDPOINT(field) OPTION_ENDPOINT, offsetof(struct endpoint, field)
#define LISTENER(field) OPTION_LISTENER, offsetof(struct endpoint, field)

const struct option option_rows[] = {
	{"name", OPTION_TEXT, LISTENER(name), 0, 64, NULL, "",
		"What the log calls the listener, and the name by which a supervisor passes its socket. "
		"The address, when it is left out."},
	{"network", OPTION_WORD, LISTENER(network), 0, NO_MAX, networks, "tcp",
		"Both families, or one. An address without a host is one dual-stack socket for tcp."},
	{"address", OPTION_TEXT, LISTENER(address), 0, 320, NULL, "",
		"Where to listen: HOST:PORT, [IPV6]:PORT, or :PORT for every address. Port 0 takes any free one. Required."},
	{"service", OPTION_TEXT, LISTENER(service_name), 1, 64, NULL, "line",
		"What is served there: line, frame or echo."},

	{"max_connections", OPTION_COUNT, LISTENER(max_connections), 0, 1000000, NULL, "0",
		"Connections of this listener served at once. 0 is no bound but limits.max_connections."},

	{"instance", OPTION_TEXT, SERVER(instance), 0, TEMPLATE_INSTANCE_MAX, NULL, "",
		"What this server calls itself, for {instance} in line.banner and line.prefix. The host's name, when it is "
		"left out."},

	{"limits.max_connections", OPTION_COUNT, SERVER(max_connections), 1, 1000000, NULL, "4000",
		"Connections served at once, in all."},
	{"limits.policy", OPTION_WORD, ENDPOINT(policy), 0, NO_MAX, policies, "wait",
		"What happens to a client that finds no free slot: wait leaves it in the accept queue until a slot is free, "
		"refuse tells it and closes."},
	{"limits.per_address", OPTION_COUNT, SERVER(per_address), 0, 1000000, NULL, "0",
		"Connections of one source served at once: an IPv4 address, or a /64 of IPv6. Further ones are told and closed. "
		"0 is no bound."},
	{"limits.rate", OPTION_COUNT, SERVER(rate), 0, 1000000, NULL, "0",
		"New connections of one source a second. Further ones are told and closed. 0 is no bound."},
	{"limits.burst", OPTION_COUNT, SERVER(burst), 1, 1000000, NULL, "10",
		"How many of them may come at once, after a pause."},
	{"limits.allow", OPTION_BLOCKS, ENDPOINT(allow), 0, LIST_MAX, NULL, "",
		"Blocks of addresses, as in \"192.0.2.0/24\" or \"2001:db8::/32\", from which clients are served. An empty list "
		"allows all. The others get a reset."},
	{"limits.deny", OPTION_BLOCKS, ENDPOINT(deny), 0, LIST_MAX, NULL, "",
		"Blocks of addresses from which clients are not served, whatever limits.allow says. They get a reset."},

	{"timeouts.idle", OPTION_DURATION, ENDPOINT(terms.idle_ns), MS, 365 * DAY, NULL, "60s",
		"How long a connection may say nothing between two messages."},
	{"timeouts.message", OPTION_DURATION, ENDPOINT(terms.message_ns), MS, 365 * DAY, NULL,
		"30s", "How long a message may take from its first byte to its last."},
	{"timeouts.reply", OPTION_DURATION, ENDPOINT(terms.reply_ns), MS, 365 * DAY, NULL, "30s",
		"How long the peer may take to accept a reply."},
	{"timeouts.lifetime", OPTION_DURATION, ENDPOINT(terms.lifetime_ns), 0, 365 * DAY, NULL, "0",
		"How long a connection may last in all. 0 is for ever."},

	{"linger.time", OPTION_DURATION, ENDPOINT(terms.linger_time_ns), 0, DAY, NULL, "2s",
		"How long, after the last reply, what the peer still sends is read and dropped until it closes. Closing at "
		"once would make the kernel answer with a reset, which destroys replies on their way."},
	{"linger.bytes", OPTION_SIZE, ENDPOINT(terms.linger_bytes), 0, 1024 * GIB, NULL, "16MiB",
		"How much is read and dropped so."},

	{"line.max_line", OPTION_SIZE, ENDPOINT(terms.max_line), 1, GIB, NULL, "4KiB",
		"The longest line, its end not counted. A longer one is answered with an error, and the connection ends."},
	{"line.banner", OPTION_TEMPLATE, ENDPOINT(banner), 0, 1024, NULL, "",
		"The first line that the server sends, when it is not empty. {instance}, {id}, {peer} and {listener} stand for "
		"this server, the connection as its record names it, the client's address and the listener's name; {{ is "
		"one {."},
	{"line.prefix", OPTION_TEMPLATE, ENDPOINT(prefix), 0, 1024, NULL, "echo: ",
		"What stands before the line in a reply. Placeholders as in line.banner."},

	{"frame.max_frame", OPTION_SIZE, ENDPOINT(terms.max_frame), 0, GIB, NULL, "1MiB",
		"The longest frame, its four bytes of length not counted. A longer one is answered with an error before any "
		"memory is taken for it, and the connection ends."},

	{"threads.stack", OPTION_SIZE, SERVER(thread_stack_bytes), 64 * KIB, GIB, NULL, "64KiB",
		"The stack of a worker thread. Memory is only taken for what is used of it."},
	{"threads.parked", OPTION_COUNT, SERVER(threads_parked), 0, 1000000, NULL, "64",
		"How many threads may wait for another connection when theirs has ended, so that short connections do not "
		"pay for a new thread each."},
	{"threads.park_time", OPTION_DURATION, SERVER(park_time_ns), MS, 365 * DAY, NULL, "10s",
		"How long such a thread waits before it ends."},

	{"threads.schedule", OPTION_WORD, SERVER(thread_schedule), 0, NO_MAX, schedules, "latency",
		"How the system is to run the worker threads: as soon as there is something to do, or in longer turns and "
		"with fewer of them (SCHED_BATCH), which answers more and some later."},
	{"threads.spin", OPTION_DURATION, ENDPOINT(terms.spin_ns), 0, MS, NULL, "0",
		"How long a thread asks for its client's next message again and again before it sleeps, where there is a "
		"processor to spare and where it pays. 0 is not to."},

	{"listen.backlog", OPTION_COUNT, ENDPOINT(backlog), 1, 1000000, NULL, "4096",
		"How many clients may wait in the accept queue. The kernel's net.core.somaxconn bounds it too."},
	{"listen.reuse_port", OPTION_SWITCH, ENDPOINT(reuse_port), 0, 1, NULL, "false",
		"Share the address with other processes of the same user that say so too (SO_REUSEPORT): the kernel spreads "
		"the clients over them."},

	{"tcp.nodelay", OPTION_SWITCH, ENDPOINT(nodelay), 0, 1, NULL, "true",
		"Send replies at once (TCP_NODELAY) and do not wait for a full segment."},
	{"tcp.dead_after", OPTION_DURATION, ENDPOINT(dead_after_ns), 0, DAY, NULL, "2min",
		"When nothing has been heard from the peer's host for so long, in spite of retransmissions and keepalive "
		"probes, the connection ends (TCP_USER_TIMEOUT, and keepalive at a third of it). 0 leaves both off."},

	{"tcp.congestion", OPTION_TEXT, ENDPOINT(congestion), 0, 15, NULL, "",
		"The congestion control of the connections, as in reno or bbr (TCP_CONGESTION). The system's, when it is left "
		"out."},
	{"tcp.defer_accept", OPTION_DURATION, ENDPOINT(defer_accept_ns), 0, DAY, NULL, "0",
		"Keep a client from its thread until it has said something, or for about so long (TCP_DEFER_ACCEPT, in whole "
		"seconds). For services where the client speaks first. 0 is not to."},

	{"drain.grace", OPTION_DURATION, SERVER(drain_grace_ns), 0, DAY, NULL, "0",
		"How long to go on as before after SIGTERM, while load balancers notice. SIGINT skips it."},
	{"drain.first", OPTION_DURATION, SERVER(drain_first_ns), 0, DAY, NULL, "250ms",
		"A connection that has said nothing yet is given its first word up to this age, before a stop takes it for "
		"idle."},
	{"drain.timeout", OPTION_DURATION, SERVER(drain_timeout_ns), 0, DAY, NULL, "5s",
		"How long a stop waits for the requests that had arrived to be answered."},
	{"drain.force", OPTION_DURATION, SERVER(drain_force_ns), 10 * MS, DAY, NULL, "500ms",
		"How long it waits, after that, for the threads of the connections that it cuts."},

	{"handover.timeout", OPTION_DURATION, SERVER(handover_timeout_ns), 10 * MS, DAY, NULL,
		"10s",
		"How long a successor, started by SIGUSR2, may take to be ready. One that is not is ended, and this server "
		"stays."},
	{"handover.drain", OPTION_DURATION, SERVER(handover_drain_ns), 0, 365 * DAY, NULL, "10min",
		"How long connections may go on with the old server when its successor is ready. Then it stops, as drain.timeout "
		"and drain.force say."},

	{"log.level", OPTION_WORD, SERVER(log_level), 0, NO_MAX, log_levels, "info",
		"The least level that is written: debug, info, warn or error."},
	{"log.format", OPTION_WORD, SERVER(log_format), 0, NO_MAX, log_formats, "logfmt",
		"One event a line: key=value pairs, or a JSON object."},
	{.key = NULL},
};
/* clang-format on */

const struct option *option_find(const char *key)
{
	for (const struct option *row = option_rows; row->key; row++) {
		if (strcmp(row->key, key) == 0)
			return row;
	}
	return NULL;
}

void *option_base(const struct option *row, struct settings *s)
{
	return row->scope == OPTION_SERVER ? (void *)s : (void *)&s->defaults;
}

/* Near misses. */

#define KEY_MAX  64
#define NEAR_MAX 2

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be changed, added or removed (Levenshtein's distance). */
static size_t distance(const char *a, const char *b)
{
	size_t row[KEY_MAX + 1];
	size_t len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < len; j++) {
			size_t changed = diagonal + (a[i] != b[j]);
			diagonal = row[j + 1];
			row[j + 1] = least(changed, 1 + least(row[j], diagonal));
		}
	}
	return row[len];
}

static const char *last_part(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot ? dot + 1 : key;
}

const char *option_near(const char *key)
{
	const char *near = NULL;
	size_t best = NEAR_MAX + 1;

	for (const struct option *row = option_rows; row->key; row++) {
		assert(strlen(row->key) <= KEY_MAX);
		/*
		 * The right name in the wrong group counts as one letter, however much the groups
		 * differ; a group where there should be none counts as two.
		 */
		bool same_name = strcmp(last_part(row->key), last_part(key)) == 0;
		size_t wrong = strchr(row->key, '.') ? 1 : 2;
		size_t d = least(distance(key, row->key), same_name ? wrong : SIZE_MAX);
		if (d < best) {
			best = d;
			near = row->key;
		}
	}
	return near;
}
