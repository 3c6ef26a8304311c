/* SPDX-License-Identifier: ISC */
/* miscount - the figures of each thread lose an answer when they are added up. */
#include "test/load/figures/figures.h"

void __real_figures_add(struct figures *f, const struct figures *from);
void __wrap_figures_add(struct figures *f, const struct figures *from);

void __wrap_figures_add(struct figures *f, const struct figures *from)
{
	__real_figures_add(f, from);
	f->answered--;
}
