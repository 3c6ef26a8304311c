/* SPDX-License-Identifier: ISC */
/*
 * holder - which process listens on a port: from the port to the socket's inode, from the inode to
 * a descriptor.
 */
#include "holder.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTEN_STATE 0x0a

/* The inode of a listening socket on the port, or 0. */
static unsigned long find_inode(const char *table, in_port_t port)
{
	char line[512];
	unsigned long found = 0;
	FILE *file = fopen(table, "re");

	if (!file)
		return 0;
	while (!found && fgets(line, sizeof line, file)) {
		unsigned local;
		unsigned state;
		unsigned long inode;
		/* sl local:port remote:port state queues timer retransmits uid timeout inode */
		if (sscanf(line, " %*d: %*[0-9A-F]:%X %*[0-9A-F]:%*X %X %*s %*s %*s %*d %*d %lu",
			    &local, &state, &inode) == 3 &&
			local == port && state == LISTEN_STATE)
			found = inode;
	}
	fclose(file);
	return found;
}

static bool holds(const char *pid, const char *socket)
{
	char path[64];
	char target[64];
	bool found = false;

	snprintf(path, sizeof path, "/proc/%.16s/fd", pid);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	for (struct dirent *e; !found && (e = readdir(dir));) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof target - 1);
		if (n > 0) {
			target[n] = '\0';
			found = strcmp(target, socket) == 0;
		}
	}
	closedir(dir);
	return found;
}

static void read_name(const char *pid, char *name, size_t size)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%.16s/comm", pid);
	snprintf(name, size, "?");
	FILE *file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(name, (int)size, file))
		name[strcspn(name, "\n")] = '\0';
	fclose(file);
}

bool holder_find(in_port_t port, struct holder *out)
{
	char socket[64];
	bool found = false;
	unsigned long inode = find_inode("/proc/net/tcp", port);

	if (!inode)
		inode = find_inode("/proc/net/tcp6", port);
	DIR *proc = inode ? opendir("/proc") : NULL;
	if (!proc)
		return false;
	snprintf(socket, sizeof socket, "socket:[%lu]", inode);
	for (struct dirent *e; !found && (e = readdir(proc));) {
		if (!isdigit((unsigned char)e->d_name[0]) || !holds(e->d_name, socket))
			continue;
		found = true;
		out->pid = (pid_t)strtol(e->d_name, NULL, 10);
		read_name(e->d_name, out->name, sizeof out->name);
	}
	closedir(proc);
	return found;
}
