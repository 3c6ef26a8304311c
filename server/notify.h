/* SPDX-License-Identifier: ISC */
/*
 * notify - tells a service manager how this process is: the protocol of sd_notify(3), without its
 * library.
 *
 * NOTIFY_SOCKET names a datagram socket of AF_UNIX, by a path or, behind '@', by an abstract name.
 * Without it every call does nothing.  Nobody ever waits for the manager: what it does not take at
 * once is lost, with a line in the log at debug.
 *
 * Threads:  notify_open() first, by one thread; the rest by any.
 */
#ifndef BOBBIN_SERVER_NOTIFY_H
#define BOBBIN_SERVER_NOTIFY_H

#include <stdint.h>
#include <sys/types.h>

/* A datagram is at most so long; what goes beyond is cut. */
#define NOTIFY_MAX 1024

/*
 * Read NOTIFY_SOCKET, which stays in the environment, for a successor needs it too.  What is no
 * such name is told in the log as a warning, and then there is nobody to notify.
 */
void notify_open(void);

/* From now on say nothing: another process is the main one. */
void notify_silence(void);

/* Send one datagram of lines, "KEY=VALUE" each. */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The words of it.  A status is one sentence, shown by systemctl status; the end of a line in it
 * becomes a space, so that nothing in it can be taken for a key.
 */

/* The start, or a reload, is over. */
void notify_ready(const char *status, ...) __attribute__((format(printf, 1, 2)));

/*
 * A reload begins; notify_ready() ends it.  With the moment, which Type=notify-reload asks for in
 * the same datagram: systemd.service(5).
 */
void notify_reloading(void);

/* The stop begins. */
void notify_stopping(void);

/*
 * Another process of this service is the main one from now on.  With NotifyAccess=main it is also
 * the only one that is listened to: say what else there is to say before.
 */
void notify_main_pid(pid_t pid);

/* The start, reload or stop that goes on may take another duration_ns from now. */
void notify_extend(int64_t duration_ns);

/* How things are. */
void notify_status(const char *status, ...) __attribute__((format(printf, 1, 2)));

#endif
