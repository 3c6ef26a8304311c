/* SPDX-License-Identifier: ISC */
/* judge - what the outcomes of a case say about a row. */
#ifndef BOBBIN_BENCH_JUDGE_H
#define BOBBIN_BENCH_JUDGE_H

#include "contest.h"

struct judgement {
	enum verdict verdict;
	struct spread
		spread; /* of the ratios, round by round; or of the figures that stand alone */
	double own;     /* medians of the figures themselves; NaN where there is none */
	double other;
	bool client_limited;   /* in most rounds: the ratio may be too near to 1 */
	const char *why;       /* of an invalid row, or of one left out: static, or the outcome's */
	enum contestant whose; /* whose fault that is, or NOBODY */
};

/* outcomes: those of the row's case, by contestant. */
struct judgement judge(const struct row *row, const struct outcome *outcomes);

#endif
