/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracewriter.h - what a writer is made of: tracewriter.c, and writertables.c for its strings and stacks.
 */
#ifndef LIBTRACE_TRACEWRITER_H
#define LIBTRACE_TRACEWRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <exectrace/writer.h>

#include "libtrace/fault.h"
#include "libtrace/genarena.h"
#include "libtrace/idhash.h"

/* A batch that is being filled. */
struct etr__wbatch {
	uint64_t m;
	uint64_t time;		/* base time, */
	uint64_t last;		/* and time of the last event */
	uint8_t *buf;
	size_t n, cap;
};

/* A string, or a stack's frames as they are encoded; the bytes stand behind it. */
struct etr__wentry {
	struct etr__wentry *same_hash, *next;
	uint64_t id;
	uint32_t count;		/* frames of a stack */
	uint32_t len;
};

struct etr__wtable {
	struct etr__hash by_hash;
	struct etr__arena arena;
	struct etr__wentry *first, **last;
	uint64_t n;
};

/* What a pc stands for; behind the stacks in their arena. */
struct etr__wplace {
	uint64_t func, file, line;
};

struct etr_writer {
	int (*write)(void *ctx, const void *buf, size_t size);
	void *ctx;
	uint64_t frequency;
	int version;
	struct etr__fault fault;
	char refusal[160];	/* why the last call was refused; "" where the fault says it */
	bool unverified;
	struct etr_reader *verifier;	/* has read the generations before */
	uint8_t *held;		/* what has left of the generation at hand, when it is verified */
	size_t nheld, capheld;
	uint64_t handed;	/* bytes that were handed out */
	uint64_t gen;		/* of the generation at hand, or the last one */
	bool open;		/* there is one at hand */
	uint64_t time;		/* it begins, */
	uint64_t mono, sec;	/* its clock snapshot */
	uint32_t nsec;
	struct etr__idmap by_m;	/* M -> index into batches[], plus one */
	struct etr__wbatch *batches;
	size_t nbatches, capbatches, made;
	struct etr__wbatch samples;
	size_t batch_size;	/* no batch grows beyond, but with one entry; tests lower it */
	struct etr__wtable strings, stacks;
	struct etr__hash places;	/* pc -> struct etr__wplace */
};

/* Records a fault, which stays; returns its code. */
int etr__writer_nomem(struct etr_writer *w) __attribute__((cold));

/* Refuses a call, which has changed nothing. */
int etr__writer_refuse(struct etr_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/* 0 when there is a generation at hand, and nothing has failed. */
int etr__writer_check_open(struct etr_writer *w);

void etr__writer_tables_init(struct etr_writer *w);
void etr__writer_tables_clear(struct etr_writer *w);
void etr__writer_tables_free(struct etr_writer *w);

#endif
