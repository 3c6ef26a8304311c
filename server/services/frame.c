/* SPDX-License-Identifier: ISC */
/* frame - each length-prefixed frame comes back as it is. */
#include "services.h"

static void serve(struct stream *s, const struct connection *c)
{
	struct stream_message frame;

	(void)c;
	while (stream_read_frame(s, &frame) && stream_write_frame(s, frame.data, frame.len))
		continue;
}

const struct service frame_service = {
	.name = "frame",
	.framing = STREAM_FRAME,
	.serve = serve,
	.try_before = "printf '\\0\\0\\0\\5hello' | nc -N",
	.try_after = " | od -c",
};
