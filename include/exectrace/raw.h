/* SPDX-License-Identifier: BSD-3-Clause
 *
 * raw.h - traces as the wire has them: batch headers, events in file order, and the raw text form, both ways.
 *
 * Nothing here orders events or checks what they mean; each is decoded as it stands.
 */
#ifndef EXECTRACE_RAW_H
#define EXECTRACE_RAW_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <exectrace/error.h>
#include <exectrace/reader.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* The type bytes.  More may come; the numbers stay. */
enum etr_wire_type {
	ETR_WIRE_EVENT_BATCH = 1,
	ETR_WIRE_STACKS = 2,
	ETR_WIRE_STACK = 3,
	ETR_WIRE_STRINGS = 4,
	ETR_WIRE_STRING = 5,
	ETR_WIRE_CPU_SAMPLES = 6,
	ETR_WIRE_CPU_SAMPLE = 7,
	ETR_WIRE_FREQUENCY = 8,
	ETR_WIRE_PROCS_CHANGE = 9,
	ETR_WIRE_PROC_START = 10,
	ETR_WIRE_PROC_STOP = 11,
	ETR_WIRE_PROC_STEAL = 12,
	ETR_WIRE_PROC_STATUS = 13,
	ETR_WIRE_GO_CREATE = 14,
	ETR_WIRE_GO_CREATE_SYSCALL = 15,
	ETR_WIRE_GO_START = 16,
	ETR_WIRE_GO_DESTROY = 17,
	ETR_WIRE_GO_DESTROY_SYSCALL = 18,
	ETR_WIRE_GO_STOP = 19,
	ETR_WIRE_GO_BLOCK = 20,
	ETR_WIRE_GO_UNBLOCK = 21,
	ETR_WIRE_GO_SYSCALL_BEGIN = 22,
	ETR_WIRE_GO_SYSCALL_END = 23,
	ETR_WIRE_GO_SYSCALL_END_BLOCKED = 24,
	ETR_WIRE_GO_STATUS = 25,
	ETR_WIRE_STW_BEGIN = 26,
	ETR_WIRE_STW_END = 27,
	ETR_WIRE_GC_ACTIVE = 28,
	ETR_WIRE_GC_BEGIN = 29,
	ETR_WIRE_GC_END = 30,
	ETR_WIRE_GC_SWEEP_ACTIVE = 31,
	ETR_WIRE_GC_SWEEP_BEGIN = 32,
	ETR_WIRE_GC_SWEEP_END = 33,
	ETR_WIRE_GC_MARK_ASSIST_ACTIVE = 34,
	ETR_WIRE_GC_MARK_ASSIST_BEGIN = 35,
	ETR_WIRE_GC_MARK_ASSIST_END = 36,
	ETR_WIRE_HEAP_ALLOC = 37,
	ETR_WIRE_HEAP_GOAL = 38,
	ETR_WIRE_GO_LABEL = 39,
	ETR_WIRE_USER_TASK_BEGIN = 40,
	ETR_WIRE_USER_TASK_END = 41,
	ETR_WIRE_USER_REGION_BEGIN = 42,
	ETR_WIRE_USER_REGION_END = 43,
	ETR_WIRE_USER_LOG = 44,
	ETR_WIRE_GO_SWITCH = 45,
	ETR_WIRE_GO_SWITCH_DESTROY = 46,
	ETR_WIRE_GO_CREATE_BLOCKED = 47,
	ETR_WIRE_GO_STATUS_STACK = 48,
	ETR_WIRE_EXPERIMENTAL_BATCH = 49,
	ETR_WIRE_SYNC = 50,
	ETR_WIRE_CLOCK_SNAPSHOT = 51,
	ETR_WIRE_END_OF_GENERATION = 52,
	ETR_WIRE_SPAN = 128,
	ETR_WIRE_SPAN_ALLOC = 129,
	ETR_WIRE_SPAN_FREE = 130,
	ETR_WIRE_HEAP_OBJECT = 131,
	ETR_WIRE_HEAP_OBJECT_ALLOC = 132,
	ETR_WIRE_HEAP_OBJECT_FREE = 133,
	ETR_WIRE_GOROUTINE_STACK = 134,
	ETR_WIRE_GOROUTINE_STACK_ALLOC = 135,
	ETR_WIRE_GOROUTINE_STACK_FREE = 136,
};

/* Names of an event by type byte, and of its arguments; NULL where there is none.  Argument 0 of a timed event is "dt". */
const char *etr_wire_name(int type);
const char *etr_wire_arg_name(int type, unsigned arg);
unsigned etr_wire_nargs(int type);
const char *etr_wire_experiment(int type);	/* the experiment that a type belongs to, by name */

#define ETR_RAW_MAX_ARGS 6

struct etr_raw_event {
	uint8_t type;
	uint8_t nargs;
	uint64_t args[ETR_RAW_MAX_ARGS];	/* dt first in timed events */
	const uint8_t *data;		/* String, ExperimentalBatch: its bytes; Stack: NULL */
	size_t size;			/* of data */
	const struct etr_raw_frame {
		uint64_t pc, func, file, line;	/* string ids as in the file */
	} *frames;			/* Stack: args[1] of them */
	uint64_t offset;		/* of its type byte, from the beginning of the input */
};

struct etr_raw_reader;

/* Like the calls of reader.h of the same names, for wire events in file order. */
struct etr_raw_reader *etr_raw_reader_new(void);
void etr_raw_reader_free(struct etr_raw_reader *raw);
int etr_raw_reader_open_path(struct etr_raw_reader *raw, const char *path);
int etr_raw_reader_open_fd(struct etr_raw_reader *raw, int fd);
int etr_raw_reader_open_memory(struct etr_raw_reader *raw, const void *data, size_t size);
int etr_raw_reader_version(const struct etr_raw_reader *raw);

/* Return: 1 and *event, whose pointers live until the next call; 0 at the end; negative codes as etr_reader_next(). */
int etr_raw_reader_next(struct etr_raw_reader *raw, struct etr_raw_event *event);
const char *etr_raw_reader_detail(const struct etr_raw_reader *raw);
uint64_t etr_raw_reader_error_offset(const struct etr_raw_reader *raw);

/*
 * The raw text form: the line that heads it, and an event with the lines that belong to it, to a stdio stream.  Return: 0,
 * -ETR_E_IO or -ETR_E_NOMEM.
 */
int etr_raw_print_header(FILE *out, int version);
int etr_raw_print(FILE *out, const struct etr_raw_event *event);

/**
 * etr_raw_assemble - turn the raw text form into wire bytes
 * @in:     text, read to its end
 * @out:    bytes are appended to it as they come
 * @detail: out; on failure one line, "line N: what is wrong", cut at size bytes
 *
 * What the text says is written as it stands, wrong batch sizes included, so broken traces can be made.
 *
 * Return: 0, -ETR_E_SYNTAX, -ETR_E_IO, -ETR_E_NOMEM.
 */
int etr_raw_assemble(FILE *in, FILE *out, char *detail, size_t size);

/* A generation's place in the file, found from batch headers alone. */
struct etr_extent {
	uint64_t generation;		/* its number in the file */
	uint64_t offset, size;		/* bytes, its end-of-generation byte counted */
	uint64_t frequency;		/* clock units a second; 0 where none was found */
	uint64_t first_time, last_time;	/* smallest and largest batch base time of timed batches, in clock units */
	int64_t sync_ns;		/* the time of the Sync that opens it, in ns; the next one's bounds its events */
};

/*
 * Finds the generations without decoding events: batch headers and the clock only.  *extents is an array of *n entries that
 * the caller frees with free(); on an error it holds those that are whole.  The reader must be open and unread, its input
 * seekable (-ETR_E_INVALID otherwise); reading may go on afterwards.  Return: 0 or a negative code.
 */
int etr_reader_extents(struct etr_reader *reader, struct etr_extent **extents, size_t *n);

struct etr_mend {
	int compressed;			/* the file is compressed; else it was left alone */
	int mended;			/* it was changed */
	uint64_t size;			/* of the file now, in bytes */
	uint64_t cut;			/* of it, bytes that were cut off: a frame, or a seek table, that was not whole */
};

/*
 * For a compressed recording whose writer was killed: cuts the file behind its last whole frame, which ends a generation in what the
 * recorder writes, and appends a seek table.  A file that has its seek table is left as it is, and one without any whole frame too.
 * fd: a regular file, open for reading and writing; its offset stays.  Return: 0; -ETR_E_IO with errno set, -ETR_E_NOMEM.
 */
int etr_compressed_mend(int fd, struct etr_mend *mend);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
