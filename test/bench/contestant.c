/* SPDX-License-Identifier: ISC */
/* contestant - the servers that are compared. */
#include "contestant.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Room for a line's or frame's own bytes beside its payload. */
#define FRAMING_BYTES 64

/* What floor has on its stack, and what is best for bulk. */
#define FLOOR_SMALL_BYTES 8192
#define FLOOR_BULK_BYTES  65536

static const char *const names[] = {
	[BOBBIND] = "bobbind",
	[BOBBIND_QUIET] = "bobbind, no records",
	[BOBBIND_BATCH] = "bobbind, throughput",
	[BOBBIND_DEFER] = "bobbind, deferred",
	[BOBBIND_RENO] = "bobbind, reno",
	[BOBBIND_SPIN] = "bobbind, spinning",
	[FLOOR] = "floor",
	[GO_PLAIN] = "Go, plain",
	[GO_BUFFERED] = "Go, buffered",
	[GO_COPY] = "Go, io.Copy",
	[LOOP] = "epoll, one loop",
	[FLOOR_BARE] = "floor, bare client",
	[LOOP_BARE] = "epoll, bare client",
	[NOBODY] = "",
};

const char *contestant_name(enum contestant c)
{
	return names[c];
}

const char *service_name(enum service s)
{
	static const char *const services[] = {[RAW] = "echo", [LINE] = "line", [FRAME] = "frame"};

	return services[s];
}

int programs_find(struct programs *p)
{
	char here[256];
	ssize_t n = readlink("/proc/self/exe", here, sizeof here - 1);

	if (n < 0)
		return -errno;
	here[n] = '\0';
	*strrchr(here, '/') = '\0';
	snprintf(p->bobbind, sizeof p->bobbind, "%s/../../server/bobbind", here);
	snprintf(p->bobbin_load, sizeof p->bobbin_load, "%s/../load/bobbin-load", here);
	snprintf(p->bare, sizeof p->bare, "%s/bare", here);
	snprintf(p->floor, sizeof p->floor, "%s/floor", here);
	snprintf(p->loop, sizeof p->loop, "%s/loop", here);
	snprintf(p->go, sizeof p->go, "%s/peer-go", here);
	return 0;
}

static const char *program_of(enum contestant c, const struct programs *p)
{
	switch (c) {
	case BOBBIND:
	case BOBBIND_QUIET:
	case BOBBIND_BATCH:
	case BOBBIND_DEFER:
	case BOBBIND_RENO:
	case BOBBIND_SPIN:
		return p->bobbind;
	case FLOOR:
	case FLOOR_BARE:
		return p->floor;
	case LOOP:
	case LOOP_BARE:
		return p->loop;
	default:
		return p->go;
	}
}

enum contestant contestant_server(enum contestant c)
{
	return c == FLOOR_BARE ? FLOOR : c == LOOP_BARE ? LOOP : c;
}

bool contestant_is_there(enum contestant c, const struct programs *p)
{
	return access(program_of(c, p), X_OK) == 0;
}

static size_t add(const char **argv, size_t count, const char *const *more)
{
	for (; *more; more++) {
		assert(count < CONTESTANT_ARGUMENTS - 1);
		argv[count++] = *more;
	}
	argv[count] = NULL;
	return count;
}

static const char *floor_buffer(enum service s, size_t bytes)
{
	static char text[24];
	size_t least = bytes + FRAMING_BYTES;
	size_t size = FLOOR_SMALL_BYTES;

	/* The bytes of a raw message need not be there together. */
	if (s == RAW && least > FLOOR_SMALL_BYTES)
		size = FLOOR_BULK_BYTES;
	else if (least > size)
		size = least;
	snprintf(text, sizeof text, "%zu", size);
	return text;
}

void contestant_command(enum contestant c, const struct programs *p, enum service service,
	size_t bytes, const char *argv[CONTESTANT_ARGUMENTS])
{
	static const char *const go_services[] = {
		[RAW] = "raw", [LINE] = "line", [FRAME] = "frame"};
	static const char *const option_of[CONTESTANTS] = {
		[BOBBIND_QUIET] = "log.level=warn",
		[BOBBIND_BATCH] = "threads.schedule=throughput",
		[BOBBIND_DEFER] = "tcp.defer_accept=1s",
		[BOBBIND_RENO] = "tcp.congestion=reno",
		[BOBBIND_SPIN] = "threads.spin=200us",
	};
	static char listen_at[32];
	size_t n = add(argv, 0, (const char *[]){program_of(c, p), NULL});

	if (option_of[c])
		n = add(argv, n, (const char *[]){"-o", option_of[c], NULL});
	switch (c) {
	case BOBBIND:
	case BOBBIND_QUIET:
	case BOBBIND_BATCH:
	case BOBBIND_DEFER:
	case BOBBIND_RENO:
	case BOBBIND_SPIN:
		snprintf(listen_at, sizeof listen_at, "127.0.0.1:0=%s", service_name(service));
		add(argv, n,
			(const char *[]){
				"-l", listen_at, "-o", "limits.max_connections=20000", NULL});
		break;
	case FLOOR:
	case FLOOR_BARE:
		add(argv, n,
			(const char *[]){go_services[service], floor_buffer(service, bytes), NULL});
		break;
	case GO_PLAIN:
		add(argv, n, (const char *[]){go_services[service], "plain", NULL});
		break;
	case GO_BUFFERED:
		add(argv, n, (const char *[]){go_services[service], "buffered", NULL});
		break;
	case GO_COPY:
		/* Frames too come back as they are. */
		add(argv, n, (const char *[]){"raw", "copy", NULL});
		break;
	case LOOP:
	case LOOP_BARE:
	case CONTESTANTS:
		break;
	}
}
