/* SPDX-License-Identifier: ISC */
/* notify - tells a service manager how this process is. */
#include "notify.h"

#include "common/deadline.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define STATUS_MAX 512

static struct {
	int fd;                /* [const] after notify_open(); -1: no manager to notify */
	struct sockaddr_un to; /* [const] */
	socklen_t to_len;      /* [const] */
	atomic_bool silent;    /* [atomic] becomes true once, for good */
} out = {.fd = -1};

/* Opening. */

static void warn(const char *name, const char *reason)
{
	struct log_line l;

	log_begin(&l, LOG_WARN, "notify_socket_unusable");
	log_text(&l, "socket", name);
	log_text(&l, "reason", reason);
	log_end(&l);
}

/*
 * Fill in the address.  Returns NULL, or what is wrong with the name.  Like sd_notify(3) this wants
 * room for a NUL after both kinds of names, though the kernel needs none.
 */
static const char *set_address(const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2)
		return "it is neither a path from the root nor an abstract name";
	if (len >= sizeof out.to.sun_path)
		return "it is too long";
	out.to.sun_family = AF_UNIX;
	memcpy(out.to.sun_path, name, len + 1);
	out.to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (name[0] == '@')
		out.to.sun_path[0] = '\0';
	else
		out.to_len++;
	return NULL;
}

void notify_open(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	const char *mistake;

	if (!name || !*name)
		return;
	mistake = set_address(name);
	if (mistake) {
		warn(name, mistake);
		return;
	}
	out.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (out.fd < 0)
		warn(name, strerrordesc_np(errno));
}

void notify_silence(void)
{
	atomic_store(&out.silent, true);
}

/* Sending. */

static void tell_lost(int error)
{
	struct log_line l;

	log_begin(&l, LOG_DEBUG, "notification_lost");
	log_errno(&l, error);
	log_end(&l);
}

void notify_send(const char *format, ...)
{
	char text[NOTIFY_MAX + 1];
	va_list args;

	if (out.fd < 0 || atomic_load(&out.silent))
		return;
	va_start(args, format);
	int n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n < 0)
		return;
	size_t len = strnlen(text, NOTIFY_MAX);
	/* Not connected: a restarted manager has bound a new socket to the same name. */
	if (sendto(out.fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&out.to,
		    out.to_len) < 0)
		tell_lost(errno);
}

/* The messages. */

static void write_status(char status[STATUS_MAX], const char *format, va_list args)
{
	if (vsnprintf(status, STATUS_MAX, format, args) < 0)
		status[0] = '\0';
	for (char *p = status; (p = strchr(p, '\n'));)
		*p = ' ';
}

void notify_ready(const char *status, ...)
{
	char text[STATUS_MAX];
	va_list args;

	va_start(args, status);
	write_status(text, status, args);
	va_end(args);
	notify_send("READY=1\nSTATUS=%s", text);
}

void notify_status(const char *status, ...)
{
	char text[STATUS_MAX];
	va_list args;

	va_start(args, status);
	write_status(text, status, args);
	va_end(args);
	notify_send("STATUS=%s", text);
}

void notify_reloading(void)
{
	notify_send("RELOADING=1\nMONOTONIC_USEC=%" PRId64, deadline_now() / NS_PER_US);
}

void notify_stopping(void)
{
	notify_send("STOPPING=1");
}

void notify_main_pid(pid_t pid)
{
	notify_send("MAINPID=%d", (int)pid);
}

void notify_extend(int64_t duration_ns)
{
	int64_t us = duration_ns / NS_PER_US + (duration_ns % NS_PER_US > 0);

	notify_send("EXTEND_TIMEOUT_USEC=%" PRId64, us);
}
