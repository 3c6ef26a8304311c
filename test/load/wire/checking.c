/* SPDX-License-Identifier: ISC */
/* checking - compares what comes with what is due. */
#include "checking.h"

#include "judge.h"
#include "pattern.h"

#include <string.h>

static enum check right(struct checker *k, struct finding *f)
{
	k->answered = k->due++;
	k->matched = 0;
	return k->gap < k->gap_end ? judge_dropped(k, f) : CHECK_RIGHT;
}

/* Bytes that no request asked for are judged as they are. */
static enum check unasked(struct checker *k, const struct wire *w, uint64_t sent, const char **data,
	size_t *len, struct finding *f)
{
	checker_begin_holding(k, w, true);
	checker_gather(k, w, sent, data, len);
	return judge_held(k, w, sent, f);
}

static enum check gathered(struct checker *k, const struct wire *w, uint64_t sent,
	const char **data, size_t *len, struct finding *f)
{
	if (!checker_gather(k, w, sent, data, len))
		return CHECK_MORE;
	if (w->prefix_any && k->due < sent && judge_is_reply_to(k, w, k->connection, k->due)) {
		checker_stop_holding(k);
		return right(k, f);
	}
	return judge_held(k, w, sent, f);
}

/* Any prefix: only a whole line can be compared, from its end. */
static enum check next_line(struct checker *k, const struct wire *w, uint64_t sent,
	const char **data, size_t *len, struct finding *f)
{
	const char *newline = memchr(*data, '\n', *len);
	struct form due;

	wire_reply(w, k->connection, k->due, &due);
	if (newline) {
		size_t line = (size_t)(newline - *data) + 1;
		size_t body = due.message.size + 1;
		if (line >= body &&
			form_match(&due, due.len - body, newline + 1 - body, body) == body) {
			*data += line;
			*len -= line;
			return right(k, f);
		}
	}
	checker_begin_holding(k, w, newline != NULL);
	return gathered(k, w, sent, data, len, f);
}

enum check checking_next(struct checker *k, const struct wire *w, uint64_t sent, const char **data,
	size_t *len, struct finding *f)
{
	struct form due;

	if (*len == 0)
		return CHECK_MORE;
	if (k->held)
		return gathered(k, w, sent, data, len, f);
	if (k->due >= sent)
		return unasked(k, w, sent, data, len, f);
	if (w->prefix_any)
		return next_line(k, w, sent, data, len, f);

	wire_reply(w, k->connection, k->due, &due);
	size_t left = due.len - k->matched;
	size_t n = *len < left ? *len : left;
	size_t same = form_match(&due, k->matched, *data, n);
	*data += same;
	*len -= same;
	k->matched += same;
	if (same == left)
		return right(k, f);
	if (same == n)
		return CHECK_MORE;
	checker_begin_holding(k, w, true);
	return gathered(k, w, sent, data, len, f);
}

/* The held line without its end, which may be that of telnet. */
static size_t line_len(const struct checker *k)
{
	size_t len = k->held_len - 1;

	return len > 0 && k->held[len - 1] == '\r' ? len - 1 : len;
}

enum check checking_banner(
	struct checker *k, const char *pattern, const char **data, size_t *len, struct finding *f)
{
	const size_t error_len = sizeof CHECKER_ERROR_PREFIX - 1;

	if (!k->held)
		checker_allocate_held(k, CHECKING_BANNER_MAX);
	const char *newline = memchr(*data, '\n', *len);
	size_t n = newline ? (size_t)(newline - *data) + 1 : *len;
	if (n > k->held_size - k->held_len)
		n = k->held_size - k->held_len;
	checker_hold(k, *data, n);
	*data += n;
	*len -= n;
	bool whole = k->held_len > 0 && k->held[k->held_len - 1] == '\n';
	if (!whole && k->held_len < k->held_size)
		return CHECK_MORE;
	if (whole && pattern_matches(pattern, k->held, line_len(k))) {
		checker_stop_holding(k);
		return CHECK_RIGHT;
	}
	if (k->held_len > error_len && memcmp(k->held, CHECKER_ERROR_PREFIX, error_len) == 0)
		return CHECK_REFUSED;
	*f = (struct finding){.verdict = VERDICT_BANNER, .expected = -1, .received = -1};
	return CHECK_WRONG;
}

enum check checking_end(struct checker *k, const struct wire *w, uint64_t sent, struct finding *f)
{
	if (k->held_len > 0 && checker_is_error(k, w))
		return CHECK_REFUSED;
	if (k->gap < k->gap_end)
		return judge_dropped(k, f);
	if (k->held_len == 0 || !k->differs)
		return CHECK_MORE;
	/* After a reply that overtook the one due, that one cannot come any more. */
	enum check result = judge_held(k, w, sent, f);
	return result == CHECK_RIGHT ? judge_dropped(k, f) : result;
}
