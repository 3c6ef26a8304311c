/* SPDX-License-Identifier: ISC */
/* accept_errno - what an errno of accept(2) means. */
#include "accept_errno.h"

#include <errno.h>
#include <stddef.h>

/* Linux passes pending network errors of the new connection through accept(2). */
static const struct {
	int error;
	enum accept_errno_kind kind;
} kinds[] = {
	{EINTR, ACCEPT_AGAIN},
	{EAGAIN, ACCEPT_TIMEOUT},
	{ECONNABORTED, ACCEPT_THEIRS},
	{EPROTO, ACCEPT_THEIRS},
	{ECONNRESET, ACCEPT_THEIRS},
	{ETIMEDOUT, ACCEPT_THEIRS},
	{EPERM, ACCEPT_THEIRS},
	{ENETDOWN, ACCEPT_THEIRS},
	{ENETUNREACH, ACCEPT_THEIRS},
	{EHOSTDOWN, ACCEPT_THEIRS},
	{EHOSTUNREACH, ACCEPT_THEIRS},
	{ENONET, ACCEPT_THEIRS},
	{ENOPROTOOPT, ACCEPT_THEIRS},
	{EOPNOTSUPP, ACCEPT_THEIRS},
	{EMFILE, ACCEPT_SHORTAGE},
	{ENFILE, ACCEPT_SHORTAGE},
	{ENOBUFS, ACCEPT_SHORTAGE},
	{ENOMEM, ACCEPT_SHORTAGE},
	{EBADF, ACCEPT_LOST},
	{EINVAL, ACCEPT_LOST},
	{ENOTSOCK, ACCEPT_LOST},
	{EFAULT, ACCEPT_LOST},
};

/* An unknown errno is answered like a shortage: slowly, and with a line in the log. */
enum accept_errno_kind accept_errno_kind(int error)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (kinds[i].error == error)
			return kinds[i].kind;
	}
	return ACCEPT_SHORTAGE;
}

bool accept_errno_is_theirs(int error)
{
	enum accept_errno_kind kind = accept_errno_kind(error);

	return kind == ACCEPT_THEIRS || kind == ACCEPT_AGAIN;
}
