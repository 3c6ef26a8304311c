/* SPDX-License-Identifier: ISC */
/*
 * port_owner - which process listens on a port: the port leads to an inode, the inode to a
 * descriptor.
 */
#include "port_owner.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTEN_STATE 0x0a

/* Write a host as /proc/net/tcp and tcp6 do: the words of the address in hexadecimal. */
static void write_host(const struct address *a, char text[33])
{
	const uint32_t *words = a->in6.sin6_addr.s6_addr32;

	if (a->any.sa_family == AF_INET)
		snprintf(text, 33, "%08X", a->in4.sin_addr.s_addr);
	else
		snprintf(text, 33, "%08X%08X%08X%08X", words[0], words[1], words[2], words[3]);
}

static bool collides(const char *host, const struct address *at)
{
	char ours[33];

	write_host(at, ours);
	return host[strspn(host, "0")] == '\0' || address_is_wildcard(at) ||
		strcmp(host, ours) == 0;
}

/* The inode of a listening socket that collides with the address, or 0. */
static unsigned long find_inode(const char *table, const struct address *at)
{
	char line[512];
	unsigned long found = 0;
	FILE *file = fopen(table, "re");

	if (!file)
		return 0;
	while (!found && fgets(line, sizeof line, file)) {
		char host[33];
		unsigned port;
		unsigned state;
		unsigned long inode;
		/* sl local:port remote:port state queues timer retransmits uid timeout inode */
		int fields = sscanf(line, // NOLINT(cert-err34-c): the kernel's numbers fit
			" %*d: %32[0-9A-F]:%X %*[0-9A-F]:%*X %X %*s %*s %*s %*d %*d %lu", host,
			&port, &state, &inode);
		if (fields == 4 && state == LISTEN_STATE && port == address_port(at) &&
			collides(host, at))
			found = inode;
	}
	fclose(file);
	return found;
}

/* Does the process have a descriptor of the socket? */
static bool has_open(const char *pid, const char *socket)
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

bool port_owner_find(const struct address *at, struct port_owner *out)
{
	char socket[64];
	bool found = false;
	unsigned long inode = find_inode("/proc/net/tcp", at);

	if (!inode)
		inode = find_inode("/proc/net/tcp6", at);
	DIR *proc = inode ? opendir("/proc") : NULL;
	if (!proc)
		return false;
	snprintf(socket, sizeof socket, "socket:[%lu]", inode);
	for (struct dirent *e; !found && (e = readdir(proc));) {
		if (!isdigit((unsigned char)e->d_name[0]) || !has_open(e->d_name, socket))
			continue;
		found = true;
		out->pid = (pid_t)strtol(e->d_name, NULL, 10);
		read_name(e->d_name, out->name, sizeof out->name);
	}
	closedir(proc);
	return found;
}
