/* SPDX-License-Identifier: ISC */
/*
 * notify - tells a service manager how this process is: the protocol of sd_notify(3), without its
 * library.
 *
 * NOTIFY_SOCKET names a datagram socket of AF_UNIX: a path, or '@' and an abstract name.  Without
 * it every call does nothing.  No call waits for the manager: a message that the kernel does not
 * take at once is lost, with a line in the log at debug.
 *
 * Threads:  notify_open() before threads start; the rest any.
 */
#ifndef BOBBIN_SERVER_NOTIFY_H
#define BOBBIN_SERVER_NOTIFY_H

#include <stdint.h>
#include <sys/types.h>

/* The bytes of a datagram at most; a longer message is cut. */
#define NOTIFY_MAX 1024

/*
 * Read NOTIFY_SOCKET.  It stays in the environment, because a successor needs it too.  If it is no
 * such name, or no socket can be had, the log has a warning and no message is ever sent.
 */
void notify_open(void);

/* Send nothing from now on: another process is the main one.  For good. */
void notify_silence(void);

/* Send one datagram: lines of the form "KEY=VALUE". */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The messages.  A status is one sentence, shown by systemctl status; an end of line in it becomes
 * a space, so that no part of it can pass for a key.
 */

/* The start, or a reload, has ended. */
void notify_ready(const char *status, ...) __attribute__((format(printf, 1, 2)));

/*
 * A reload begins; notify_ready() ends it.  The datagram has the moment too, as Type=notify-reload
 * wants it: systemd.service(5).
 */
void notify_reloading(void);

/* The stop begins. */
void notify_stopping(void);

/*
 * Another process of this service is the main one from now on.  With NotifyAccess=main the manager
 * then takes messages of that process only, so send all others before.
 */
void notify_main_pid(pid_t pid);

/* The start, reload or stop under way may take duration_ns more from now on. */
void notify_extend(int64_t duration_ns);

/* A status alone. */
void notify_status(const char *status, ...) __attribute__((format(printf, 1, 2)));

#endif
