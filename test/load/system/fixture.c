/* SPDX-License-Identifier: ISC */
/* fixture - a server and a load against it. */
#include "fixture.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 40

struct fixture fixture;

void fixture_set_up(void)
{
	fixture = (struct fixture){.json = "/tmp/bobbin-load-XXXXXX"};
	int fd = mkstemp(fixture.json);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

void fixture_tear_down(void)
{
	process_free(fixture.load);
	process_free(fixture.server);
	unlink(fixture.json);
}

static const char *must_getenv(const char *name)
{
	const char *value = getenv(name);

	ck_assert_msg(value != NULL, "%s is not in the environment: run this from meson", name);
	return value;
}

/* bobbind names the address that it really bound before it is ready. */
static void serve_with_bobbind(const char *program, const char *service)
{
	char listen[32];
	const char *argv[] = {program, "-l", listen, "-o", "limits.max_connections=12000", "-o",
		"line.max_line=1MiB", NULL};

	snprintf(listen, sizeof listen, "tcp:127.0.0.1:0=%s", service);
	fixture.server = process_start(argv, 0);
	process_await(fixture.server, &fixture.server->err, "event=ready");
	const char *port =
		process_await(fixture.server, &fixture.server->err, "address=127.0.0.1:");
	fixture.port = (unsigned)strtoul(port, NULL, 10);
}

void fixture_serve(const char *service, const char *mode)
{
	const char *bobbind = getenv("BOBBIND");

	process_free(fixture.server);
	fixture.server = NULL;
	if (bobbind && strcmp(mode, "right") == 0) {
		serve_with_bobbind(bobbind, service);
		return;
	}
	const char *argv[] = {must_getenv("WRONG_SERVER"), service, mode, "64", NULL};
	fixture.server = process_start(argv, 0);
	const char *port = process_await(fixture.server, &fixture.server->out, "listening ");
	fixture.port = (unsigned)strtoul(port, NULL, 10);
}

static void start_load(const char *service, const char *options, int descriptors)
{
	const char *argv[WORDS_MAX] = {must_getenv("BOBBIN_LOAD")};
	char address[64];
	char words[512];
	char *rest = NULL;
	size_t count = 1;

	ck_assert_uint_lt(strlen(options), sizeof words);
	memcpy(words, options, strlen(options) + 1);
	for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		ck_assert_uint_lt(count, WORDS_MAX - 2);
		argv[count++] = strcmp(w, "JSON") == 0 ? fixture.json : w;
	}
	snprintf(address, sizeof address, "127.0.0.1:%u=%s", fixture.port, service);
	argv[count] = address;
	process_free(fixture.load);
	fixture.load = NULL;
	fixture.load = process_start(argv, descriptors);
}

/* What the server has used of the processors, in ticks of the kernel. */
static unsigned long server_ticks(void)
{
	char path[64];
	char line[1024] = "";
	unsigned long user = 0;
	unsigned long system = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)fixture.server->pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
	fclose(file);
	/* Behind the name: state and ten numbers, then these two. */
	char *p = strrchr(line, ')');
	ck_assert_ptr_nonnull(p);
	for (int i = 0; i < 12; i++)
		p = strchr(p + 1, ' ');
	user = strtoul(p, &p, 10);
	system = strtoul(p, NULL, 10);
	return user + system;
}

void fixture_await_traffic(void)
{
	if (!getenv("BOBBIND")) {
		process_await(fixture.server, &fixture.server->out, "received 200\n");
		return;
	}
	/* It tells nobody, but it works. */
	unsigned long before = server_ticks();
	while (server_ticks() < before + 2)
		poll(NULL, 0, 5);
}

void fixture_start_load(const char *service, const char *options)
{
	start_load(service, options, 0);
}

void fixture_run_load(const char *service, const char *options)
{
	start_load(service, options, 0);
	fixture.status = process_end(fixture.load);
}

void fixture_run_load_with(const char *service, const char *options, int descriptors)
{
	start_load(service, options, descriptors);
	fixture.status = process_end(fixture.load);
}

void fixture_must_print(const char *text)
{
	ck_assert_msg(strstr(fixture.load->out.text, text) != NULL,
		"\"%s\" is not in the result:\n%s\n%s", text, fixture.load->out.text,
		fixture.load->err.text);
}

double fixture_json_number(const char *section, const char *name)
{
	static char text[PROCESS_TEXT_MAX];
	char key[64];
	FILE *f = fopen(fixture.json, "re");

	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	snprintf(key, sizeof key, section ? "\"%s\": {" : "\"%s\": ", section ? section : name);
	const char *at = strstr(text, key);
	ck_assert_msg(at != NULL, "no %s in the JSON:\n%s", key, text);
	snprintf(key, sizeof key, "\"%s\": ", name);
	at = strstr(at, key);
	ck_assert_msg(at != NULL, "no %s in the JSON:\n%s", key, text);
	return strtod(at + strlen(key), NULL);
}
