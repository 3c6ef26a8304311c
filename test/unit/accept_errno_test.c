/* SPDX-License-Identifier: ISC */
/* Proves accept_errno: the kind of each errno of accept(2), and of one that it does not know. */
#include "server/door/accept_errno.h"

#include "test/suite.h"

#include <errno.h>

static const struct {
	enum accept_errno_kind kind;
	int errors[12];
} kinds[] = {
	{ACCEPT_AGAIN, {EINTR}},
	{ACCEPT_TIMEOUT, {EAGAIN}},
	{ACCEPT_THEIRS,
		{ECONNABORTED, EPROTO, ECONNRESET, ETIMEDOUT, EPERM, ENETDOWN, ENETUNREACH,
			EHOSTDOWN, EHOSTUNREACH, ENONET, ENOPROTOOPT, EOPNOTSUPP}},
	{ACCEPT_SHORTAGE, {EMFILE, ENFILE, ENOBUFS, ENOMEM, EXDEV}},
	{ACCEPT_LOST, {EBADF, EINVAL, ENOTSOCK, EFAULT}},
};

TEST_ROWS(an_error_is_of_its_kind, SUITE_COUNT(kinds))
{
	enum accept_errno_kind kind = kinds[_i].kind;

	for (size_t i = 0; i < SUITE_COUNT(kinds->errors) && kinds[_i].errors[i]; i++) {
		ck_assert_int_eq(accept_errno_kind(kinds[_i].errors[i]), kind);
		ck_assert(accept_errno_is_theirs(kinds[_i].errors[i]) ==
			(kind == ACCEPT_THEIRS || kind == ACCEPT_AGAIN));
	}
}
