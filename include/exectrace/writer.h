/* SPDX-License-Identifier: BSD-3-Clause
 *
 * writer.h - writes execution traces of the Go 1.26 format, generation by generation.
 *
 * The caller brings events in each thread's order with times that are already known; strings and stacks are interned here.
 *
 * What is written, Go's reader accepts, or a call says why not: a call refuses what can be seen to be wrong by itself, and the
 * end of a generation refuses events that contradict each other or the generations before, by the rules of exectrace(5).
 */
#ifndef EXECTRACE_WRITER_H
#define EXECTRACE_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <exectrace/error.h>
#include <exectrace/reader.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

struct etr_writer;

/*
 * A writer that hands its bytes to write(ctx, buf, size), which returns 0 or -1 with errno set, in file order, the file header
 * at once.  NULL when out of memory.  frequency: clock units a second, above 0.
 *
 * The functions below return 0 (or an id) or a negative code, and etr_writer_detail() tells what was wrong.  -ETR_E_INVALID is
 * for calls out of order, arguments that fit no event, and ids that this generation does not have, and changes nothing.  All
 * others stay: -ETR_E_IO and -ETR_E_NOMEM, after which the bytes that were handed out may end anywhere, and the refusals of
 * etr_writer_end_generation().
 */
struct etr_writer *etr_writer_new(int (*write)(void *ctx, const void *buf, size_t size), void *ctx, uint64_t frequency);

/*
 * The same for an older version of the format: 22, 23, 25 or 26, NULL for others.  Before 25 there is no place for a
 * generation's clock snapshot, which is left out, and before 26 readers refuse a trace without a generation.  That the events
 * are of that version is the caller's care.
 */
struct etr_writer *etr_writer_new_version(int (*write)(void *ctx, const void *buf, size_t size), void *ctx, uint64_t frequency,
					  int version);

/*
 * Whether generations are verified before they are handed out, as they are unless this is called with 0.  A writer that does not
 * verify hands batches out as they become full, which takes less time and memory (one batch for each thread and the tables, where
 * otherwise all of the generation is held too); that the events make sense is then the caller's word.
 * Return: 0; -ETR_E_INVALID when a generation has been begun.
 */
int etr_writer_set_verify(struct etr_writer *writer, int verify);

/*
 * Frees it.  A generation that has not been ended is lost; of one that is not verified some batches may have been handed out, and
 * such a trace reads as truncated.
 */
void etr_writer_free(struct etr_writer *writer);

/*
 * Begins the next generation; its clock snapshot: the same instant on all three clocks.  time_units is also the base time of the
 * generation's tables: the time of its Sync, unless an event is earlier.
 */
int etr_writer_begin_generation(struct etr_writer *writer, uint64_t time_units, uint64_t mono_ns, int64_t wall_sec,
				uint32_t wall_nsec);

/*
 * Ids for the current generation, the same for the same content; 0 is the empty one.  Negative on error, else at most
 * UINT32_MAX.  Strings are cut at 1,024 bytes, at the end of a character; stacks at 128 frames.  A pc stands for one function,
 * file and line in all of a generation, since readers keep one frame for it: -ETR_E_INVALID where it has another one here.
 */
int64_t etr_writer_string(struct etr_writer *writer, const char *text, size_t len);
struct etr_writer_frame {
	uint64_t pc;
	uint64_t func, file;		/* ids that etr_writer_string() gave in this generation */
	uint64_t line;
};
int64_t etr_writer_stack(struct etr_writer *writer, const struct etr_writer_frame *frames, size_t n);

/*
 * The same, but the id is a new one even where the frames are known, and where there are none; that pcs stand for one thing each is
 * the caller's word.
 */
int64_t etr_writer_stack_apart(struct etr_writer *writer, const struct etr_writer_frame *frames, size_t n);

/*
 * Appends a timed event of thread m: args after dt, etr_wire_nargs(type) - 1 of them.  time is in units; one that is smaller than
 * that of the thread's event before it costs a new batch and is kept.  A sample's g is 0 for none.
 */
int etr_writer_event(struct etr_writer *writer, uint64_t m, int type, uint64_t time, const uint64_t *args, unsigned nargs);
int etr_writer_cpu_sample(struct etr_writer *writer, uint64_t time, uint64_t m, uint64_t p, uint64_t g, uint64_t stack);

/*
 * Writes a batch of data of an experiment, 1 to 255, into the current generation, as thread m: size bytes, at most 65,536.  The format has a
 * place for it from Go 1.23 on: -ETR_E_INVALID for an older version.
 */
int etr_writer_experimental_batch(struct etr_writer *writer, int experiment, uint64_t m, const void *data, size_t size);

/**
 * etr_writer_end_generation - write the generation out
 *
 * Return: 0; or, of a generation that is verified, and then nothing of it has been handed out, and what was is a whole trace:
 *   -ETR_E_EVENT      an event cannot be decoded (a time that overflows, for one)
 *   -ETR_E_ORDER      an event breaks a rule, or no thread's next event can follow the others
 *   -ETR_E_TABLE, -ETR_E_BATCH  the tables or batches are refused
 * or what the other functions return.
 */
int etr_writer_end_generation(struct etr_writer *writer);

/* What went wrong last, in one line; "" where nothing did. */
const char *etr_writer_detail(const struct etr_writer *writer);

struct etr_compressor;

/*
 * Compresses a trace with zstd on its way out, a frame for each generation, and a seek table: exectrace(5).  Its bytes may come
 * from an etr_writer, which gets etr_compressor_write and the compressor as its function and context, or from anywhere.
 *
 *     c = etr_compressor_new(write, ctx, 3);
 *     w = etr_writer_new(etr_compressor_write, c, frequency);
 *     ...
 *     etr_writer_free(w);
 *     etr_compressor_finish(c);
 *     etr_compressor_free(c);
 *
 * write is as etr_writer_new() wants it; level is zstd's, 1 to 19.  NULL with errno set: EINVAL, ENOMEM, or ENOTSUP in a build
 * without zstd.  The other two return 0, or -1 with errno set, as write left it or ENOMEM, and go on doing so.
 */
struct etr_compressor *etr_compressor_new(int (*write)(void *ctx, const void *buf, size_t size), void *ctx, int level);
void etr_compressor_free(struct etr_compressor *compressor);
int etr_compressor_write(void *compressor, const void *buf, size_t size);

/* Ends the last frame and writes the seek table; nothing may follow. */
int etr_compressor_finish(struct etr_compressor *compressor);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
