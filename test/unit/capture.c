/* SPDX-License-Identifier: ISC */
/* capture - what this process writes to a standard descriptor. */
#include "capture.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char *texts[3];

void capture_begin(int fd)
{
	int memory = memfd_create("captured", MFD_CLOEXEC);

	ck_assert_int_ge(memory, 0);
	/* Without O_APPEND two threads write over each other: a memfd has no lock on its position. */
	ck_assert_int_eq(fcntl(memory, F_SETFL, O_APPEND), 0);
	ck_assert_int_eq(dup2(memory, fd), fd);
	close(memory);
}

const char *capture_text(int fd)
{
	struct stat st;

	if (fd == STDOUT_FILENO)
		ck_assert_int_eq(fflush(stdout), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	size_t size = (size_t)st.st_size;
	free(texts[fd]);
	texts[fd] = calloc(1, size + 1);
	ck_assert_ptr_nonnull(texts[fd]);
	ck_assert_int_eq(pread(fd, texts[fd], size, 0), st.st_size);
	return texts[fd];
}

size_t capture_count(int fd, const char *words)
{
	size_t count = 0;

	for (const char *p = capture_text(fd); (p = strstr(p, words)); p += strlen(words))
		count++;
	return count;
}

long long capture_number(int fd, const char *key)
{
	char start[64];

	snprintf(start, sizeof start, " %s=", key);
	const char *found = strstr(capture_text(fd), start);
	return found ? strtoll(found + strlen(start), NULL, 10) : -1;
}

size_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *e; (e = readdir(dir));)
		count += e->d_name[0] != '.';
	closedir(dir);
	return count - 1;
}
