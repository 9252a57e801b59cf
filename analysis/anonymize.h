/* SPDX-License-Identifier: BSD-3-Clause
 *
 * anonymize.h - other names in place of a trace's own.
 *
 * Functions become func1, func2 ..., files file1 ..., what users write (types of tasks and regions, categories and messages of logs,
 * labels) text1 ..., and what recorders note of the program and the machine name1 ....  The same name always gets the same one.  Names
 * that begin with a prefix to be kept stay, and so do all reasons, and kinds of stopped worlds: they are the runtime's.
 */
#ifndef ANALYSIS_ANONYMIZE_H
#define ANALYSIS_ANONYMIZE_H

#include "analysis/names.h"
#include "analysis/recode.h"

struct an_anonymizer {
	struct an_renamer renamer;	/* to be given to a slicer */
	struct an_names names;		/* those that were met */
	const char **keep;		/* prefixes; the caller's */
	size_t nkeep;
	char text[1100];
};

/* Functions of Go's and our runtime stay in any case: tools find their way by them. */
int an_anonymizer_init(struct an_anonymizer *anonymizer, const char **keep, size_t nkeep);
void an_anonymizer_free(struct an_anonymizer *anonymizer);

#endif
