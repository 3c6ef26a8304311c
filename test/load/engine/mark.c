/* SPDX-License-Identifier: ISC */
/* mark - which requests the peer's kernel had acknowledged at a moment. */
#include "mark.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

uint64_t mark_unacknowledged(int fd)
{
	int bytes;

	return ioctl(fd, SIOCOUTQ, &bytes) < 0 ? UINT64_MAX : (uint64_t)bytes;
}

uint64_t mark_acknowledged(const struct wire *w, uint32_t connection, uint64_t sent,
	size_t sent_offset, uint64_t unacknowledged)
{
	struct form f;

	if (unacknowledged <= sent_offset)
		return sent;
	unacknowledged -= sent_offset;
	while (sent > 0 && unacknowledged > 0) {
		wire_request(w, connection, --sent, &f);
		unacknowledged -= unacknowledged < f.len ? unacknowledged : f.len;
	}
	return sent;
}
