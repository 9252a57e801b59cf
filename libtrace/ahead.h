/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ahead.h - threads that load and order generations before their turn comes.
 */
#ifndef LIBTRACE_AHEAD_H
#define LIBTRACE_AHEAD_H

#include <stdint.h>

struct etr_reader;
struct etr_event;

/*
 * Begins reading ahead when the reader is to have threads and its input allows it; where memory or threads cannot be had, the
 * reader goes on without.  At the border of two generations only.
 */
void etr__ahead_start(struct etr_reader *r);

/*
 * Ends it, as well in the middle of a generation, and takes the input back.  What was read ahead is lost: only for a reader that is
 * freed or goes elsewhere.  Without effect where there is none.
 */
void etr__ahead_drop(struct etr_reader *r);

/* In between the caller may read the input, which is then r->in; nothing else happens there.  Without effect likewise. */
void etr__ahead_pause(struct etr_reader *r);
void etr__ahead_resume(struct etr_reader *r);

/*
 * As etr__generation_load(), from what was read ahead.  When r->guess is set after 1, the generation has been put in order:
 * etr__ahead_events() has its events, and r->order knows of them.
 */
int etr__ahead_next(struct etr_reader *r);
int etr__ahead_events(struct etr_reader *r, struct etr_event *events, int max);

/* The input's size, as etr_reader_size(). */
uint64_t etr__ahead_size(struct etr_reader *r);

#endif
