/* SPDX-License-Identifier: BSD-3-Clause
 *
 * reader.h - reads an execution trace (Go 1.22 and later, or exectrace) and delivers its events in one global order.
 *
 *     struct etr_reader *r = etr_reader_new();
 *     struct etr_event ev;
 *     int rc = etr_reader_open_path(r, "prog.trace");
 *     while (rc >= 0 && (rc = etr_reader_next(r, &ev)) == 1)
 *             use(&ev);
 *     if (rc < 0)
 *             fprintf(stderr, "%s\n", etr_reader_detail(r));
 *     etr_reader_free(r);
 *
 * The events, their order and the verdict on damaged input are those of golang.org/x/exp/trace; exectrace(5) states the rules.
 * However hostile the trace, a reader allocates less than 100 bytes for each byte of it (uncompressed), and 1 MiB; recorded
 * ones need a few for each byte of the largest generation's tables.
 *
 * A reader belongs to one thread at a time; any number of readers may be used side by side.  Nothing here prints or exits.
 */
#ifndef EXECTRACE_READER_H
#define EXECTRACE_READER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <exectrace/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* What an event is about. */
enum etr_kind {
	ETR_KIND_SYNC = 1,		/* a generation begins; one more ends the trace */
	ETR_KIND_METRIC,
	ETR_KIND_LABEL,
	ETR_KIND_STACK_SAMPLE,
	ETR_KIND_RANGE_BEGIN,
	ETR_KIND_RANGE_ACTIVE,
	ETR_KIND_RANGE_END,
	ETR_KIND_TASK_BEGIN,
	ETR_KIND_TASK_END,
	ETR_KIND_REGION_BEGIN,
	ETR_KIND_REGION_END,
	ETR_KIND_LOG,
	ETR_KIND_STATE_TRANSITION,
	ETR_KIND_EXPERIMENTAL,
	ETR_KIND_COUNT_		/* one more than the last */
};

/* What a resource is. */
enum etr_resource {
	ETR_RESOURCE_NONE,		/* a range of the whole program */
	ETR_RESOURCE_GOROUTINE,
	ETR_RESOURCE_PROC,
	ETR_RESOURCE_THREAD,
};

/* States of goroutines and processors; a processor is never Runnable, Syscall or Waiting, a goroutine never Idle. */
enum etr_state {
	ETR_STATE_UNDETERMINED,
	ETR_STATE_NOT_EXIST,
	ETR_STATE_RUNNABLE,
	ETR_STATE_RUNNING,
	ETR_STATE_SYSCALL,
	ETR_STATE_WAITING,
	ETR_STATE_IDLE,
	ETR_STATE_COUNT_		/* one more than the last */
};

/*
 * A string or a stack of the current generation.  Ids are dense: 0 is the empty string or stack, and ids below
 * etr_reader_nstrings() and etr_reader_nstacks() are valid, so a caller can keep per-generation tables indexed by them.
 * Both counts may grow while a generation is read.  Ids lose their meaning when the next generation begins, which is when
 * a Sync is delivered.  They are not the ids of the file.
 */
typedef uint32_t etr_string_id;
typedef uint32_t etr_stack_id;

#define ETR_NO_TASK UINT64_MAX		/* the task id that stands for none */

/*
 * An event as delivered.  Which member of the union holds is told by kind.
 *
 * g, p and m are the context: the goroutine, processor and thread on which the event happened, as they were before it;
 * -1 for none.  A sample has its own.  A Sync has none.
 */
struct etr_event {
	int64_t time;			/* ns on the recording's monotonic clock; strictly increases */
	int64_t g, p, m;
	uint8_t kind;			/* enum etr_kind */
	uint8_t resource;		/* enum etr_resource: of a transition, label or range */
	uint8_t from, to;		/* enum etr_state: of a transition */
	etr_stack_id stack;		/* where it happened */
	union {
		struct {		/* STATE_TRANSITION, of `resource` id */
			int64_t id;
			etr_string_id reason;
			etr_stack_id stack;	/* the stack of the goroutine that changes state */
		} transition;
		struct {
			etr_string_id name;
			uint64_t value;
		} metric;
		struct {		/* LABEL, of `resource` id */
			int64_t id;
			etr_string_id label;
		} label;
		struct {		/* RANGE_*, on `resource` id; for a sweep's end nattrs is 2 and the values are told */
			int64_t id;
			etr_string_id name;
			uint32_t nattrs;
			uint64_t swept, reclaimed;	/* "bytes swept", "bytes reclaimed" */
		} range;
		struct {
			uint64_t id, parent;	/* ETR_NO_TASK for no parent */
			etr_string_id type;
		} task;
		struct {
			uint64_t task;
			etr_string_id type;
		} region;
		struct {
			uint64_t task;
			etr_string_id category, message;
		} log;
		struct {
			uint64_t args[3];	/* after dt */
			uint8_t type;		/* type byte; etr_wire_name() and so on describe it (raw.h) */
		} experimental;
		struct {
			uint64_t n;		/* 1 for the first; etr_reader_sync() has the rest */
		} sync;
	} u;
};

/* One frame of a stack. */
struct etr_frame {
	uint64_t pc;
	etr_string_id func, file;
	uint64_t line;
};

/* What a Sync tells beside its number. */
struct etr_sync {
	int has_clock;			/* the three times below are set; the trace's last Sync has none */
	int64_t trace_ns;		/* the same instant on the trace's clock, */
	uint64_t mono_ns;		/* on CLOCK_MONOTONIC, */
	int64_t wall_sec;		/* and as wall time since 1970 */
	uint32_t wall_nsec;
	size_t nexperiments;		/* experiments that have batches in this generation, by name */
	const struct etr_experiment {
		const char *name;
		uint64_t batches, bytes;
	} *experiments;
};

/* A batch of data that an experiment writes beside its events; what is in it is for that experiment to say. */
struct etr_experimental_batch {
	const char *name;		/* the experiment's, NULL for one that is not known */
	int experiment;			/* its number in the format, from 1 */
	uint64_t m;			/* the thread that wrote it; UINT64_MAX for none */
	const void *data;
	size_t size;
};

struct etr_reader;

/* A reader with no input yet, or NULL when out of memory.  Free it with etr_reader_free(). */
struct etr_reader *etr_reader_new(void);
void etr_reader_free(struct etr_reader *reader);

/**
 * etr_reader_open_path, _fd, _memory, _callbacks - give a new reader its input and check the file header
 *
 * zstd-compressed input is known by its content and read as what it decompresses to, whatever frames it consists of; offsets
 * and sizes below are those of the trace, uncompressed, and messages about damage also name the byte of the file.  It is read
 * like a pipe as far as memory goes, plus a window of at most 128 MiB (input that wants more is refused).
 *
 * Seekable input (regular files, memory, callbacks with pread) is read where and when it is needed: memory is then the
 * generation's tables plus a block for each thread of the trace.  Other input is read once, front to back, and a generation's
 * batches are held.  A descriptor stays the caller's, must stay open while the reader lives, and may not be used for
 * reading meanwhile; a regular file is read from its beginning wherever its offset stands.  Memory must outlive the reader.
 *
 * Return: 0, or, and again from every later call: -ETR_E_IO, -ETR_E_EMPTY, -ETR_E_FORMAT, -ETR_E_VERSION, -ETR_E_TRUNCATED,
 * -ETR_E_COMPRESSION, -ETR_E_NOMEM; -ETR_E_INVALID for a reader that has been opened already.
 */
int etr_reader_open_path(struct etr_reader *reader, const char *path);
int etr_reader_open_fd(struct etr_reader *reader, int fd);
int etr_reader_open_memory(struct etr_reader *reader, const void *data, size_t size);

/*
 * Input through the caller's functions.  read fills up to size bytes and returns how many (0: the end) or -1 with errno
 * set; pread does so at an offset, and is NULL where the input cannot seek.  With pread, read may be NULL.  size tells how many
 * bytes there are; it may be NULL or return -1, and then the seek table of compressed input, which stands at its end, is not used.
 */
struct etr_input_ops {
	size_t struct_size;		/* sizeof(struct etr_input_ops) */
	ssize_t (*read)(void *ctx, void *buf, size_t size);
	ssize_t (*pread)(void *ctx, void *buf, size_t size, uint64_t offset);
	int64_t (*size)(void *ctx);
};

int etr_reader_open_callbacks(struct etr_reader *reader, const struct etr_input_ops *ops, void *ctx);

/**
 * etr_reader_set_threads - read with several threads
 * @n: how many, the caller's among them; 1: none but the caller's, which is the default; 0: as many as processors are online
 *
 * Before the first event is asked for.  The library's threads load generations ahead and put them in order; what is delivered, and
 * every verdict, is the same as with one thread, but for which ids strings have that are in no table of the file.  A trace of one generation gains nothing.
 *
 * Memory: up to n + 2 generations are held beside the one that is delivered, each with its tables and its batches, and those that
 * are in order with 24 bytes for nearly every event; of a hostile trace less than 100 bytes for each of its bytes, and 1 MiB for each
 * thread and once more.  etr_reader_wire_counts() and so on then count a generation as soon as it
 * begins, and etr_reader_offset() moves on by whole generations.
 *
 * The input is read by one thread at a time, but not always by the caller's: a callback runs in whichever thread reads, never two
 * at once.  The library's threads have all signals blocked, and end in etr_reader_free(), which waits for a read that
 * is under way (of a pipe, say).  A child of fork() may not use the reader.  Where memory or threads cannot be had, reading goes on without.
 * A file that is followed is read by the caller's thread alone.
 *
 * Return: 0; -ETR_E_INVALID: n is negative, or it is too late.
 */
int etr_reader_set_threads(struct etr_reader *reader, int n);

/**
 * etr_reader_follow - read a file that is still being written, compressed or not
 * @on: nonzero, before the reader is opened, by path or descriptor: the end of the file is not the trace's end; zero, at any time:
 *      the writer is done, and what is in the file is all
 *
 * Generations are delivered when they are whole: from 1.26 on when their end-of-generation byte is in the file, before when the
 * first batch of the next one is.  Until then etr_reader_next() returns -ETR_E_AGAIN, which does not stay: call it again when the
 * file has grown (nothing here waits, and each call reads only what is new).  What etr_reader_string() and so on gave is then no
 * longer valid.  Opening may find less than a file header; etr_reader_version() is 0 until there is one.
 *
 * The format has no mark of a trace's end.  The reader notices by itself that there will be no more when a compressed file ends with
 * a seek table, which the recorder writes last, when the name it was opened by has become another file's or none's, and when
 * an unfinished generation at the end was taken back (a recorder does so when it has to stop).  Otherwise the caller finds out,
 * from the writer's end, by inotify's IN_CLOSE_WRITE or by patience, and calls etr_reader_follow(reader, 0); reading then goes
 * on to a clean end or to the error that any reader of that file gets.  A file that has lost bytes which were read is
 * -ETR_E_TRUNCATED.  Pipes have an end of their own and are not followed.
 *
 * Return: 0; -ETR_E_INVALID: it is too late to begin.
 */
int etr_reader_follow(struct etr_reader *reader, int on);

/**
 * etr_reader_next - deliver the next event in global order
 * @reader: open reader; one thread at a time
 * @event:  out; holds something only when 1 is returned, and is scribbled on otherwise
 *
 * Return: 1 delivered; 0 clean end; or, and again on every later call:
 *   -ETR_E_TRUNCATED  the input stops inside a generation; all events delivered so far hold
 *   -ETR_E_BATCH, -ETR_E_TABLE, -ETR_E_EVENT  something in it is malformed; likewise
 *   -ETR_E_ORDER      an event breaks a rule, or no thread's next event can follow; likewise
 *   -ETR_E_COMPRESSION  the compressed data is damaged: the generations before it were delivered, and before 1.26, as far as the
 *                     damaged frame does not reach, the part before it
 *   -ETR_E_IO, -ETR_E_NOMEM
 * One code does not stay: -ETR_E_AGAIN, see etr_reader_follow().
 */
int etr_reader_next(struct etr_reader *reader, struct etr_event *event);

/**
 * etr_reader_next_events - deliver up to max next events at once: the same ones, for less time each
 * @events: out; at least max of them
 * @max:    1 or more
 *
 * All are of one generation, so that their strings and stacks are valid together: a Sync comes first.  What is told of the
 * reader beside its events (counts, offsets) is as of the last one.  An error comes after all events before it have been delivered.
 *
 * Return: how many were delivered, 1 to max, not always as many as there could be; 0 clean end; or as etr_reader_next(), and
 * -ETR_E_INVALID for a max below 1.
 */
int etr_reader_next_events(struct etr_reader *reader, struct etr_event *events, int max);

/**
 * etr_reader_seek_generation - go on with a generation, without decoding what lies before it
 * @reader:     open reader, wherever it stands, also at the end or behind an error; its input must be one that can be read at any
 *              place, compressed or not (else -ETR_E_INVALID, and nothing has changed)
 * @generation: its number in the file; the first of that number, should several have it
 *
 * The next event is the Sync that opens the generation.  All is as in a trace that begins there: goroutines, processors and
 * ranges that existed before are Undetermined (RangeActive announces ranges) as they appear, tasks and regions may end that
 * never began, names of tasks from before are unknown, Syncs are numbered from 1, wire counts from 0, and the rules of
 * order are as strict as in such a trace.  etr_reader_offset(), _good_size() and errors still count from the file's beginning.
 *
 * It is found by going from batch header to batch header, in compressed input with a seek table by looking into a few frames; the
 * one before the generation's is unpacked too, to be sure.  Compressed input without a table is unpacked up to there.
 *
 * Return: 1; 0 there is no such generation (so far), and nothing has changed; or a negative code, as from reading up to there,
 * which then stays until a seek succeeds.
 */
int etr_reader_seek_generation(struct etr_reader *reader, uint64_t generation);

/*
 * The same for a time, in ns on the trace's clock: no event at or after it is left out, and as few as possible of those before.
 * As generations overlap a little, this is the one before the last whose Sync is not later.  Return: 1 or a negative code; 0: an
 * empty trace.
 */
int etr_reader_seek_time(struct etr_reader *reader, int64_t ns);

/*
 * The text of a string, a NUL behind it that is not counted in *len (it may hold NULs of its own; len may be NULL).  Valid until
 * the next Sync is delivered.  An id that is not valid gives "".
 */
const char *etr_reader_string(const struct etr_reader *reader, etr_string_id id, size_t *len);

/* The frames of a stack, leaf first; *nframes says how many.  Valid until the next Sync is delivered. */
const struct etr_frame *etr_reader_stack(const struct etr_reader *reader, etr_stack_id id, size_t *nframes);

/*
 * The stack that the file's own id names in the current generation, as strings that no event refers to do ("exectrace:lock",
 * exectrace(5)).  Stacks are one per id of the file, even where frames are equal, and strings and stacks that nothing refers to
 * have dense ids too.  Return: 1 and *out, or 0: no such stack.
 */
int etr_reader_stack_by_wire_id(const struct etr_reader *reader, uint64_t wire_id, etr_stack_id *out);

/* One more than the highest valid id in this generation. */
size_t etr_reader_nstrings(const struct etr_reader *reader);
size_t etr_reader_nstacks(const struct etr_reader *reader);

/* What the Sync delivered last told; valid until the next one is delivered. */
const struct etr_sync *etr_reader_sync(const struct etr_reader *reader);

/*
 * Whether the data of experimental batches is kept while their generation is read, which is not the case unless this is called with 1
 * before the first event is asked for.  Return: 0; -ETR_E_INVALID: it is too late.
 */
int etr_reader_keep_experimental(struct etr_reader *reader, int keep);

/*
 * The i-th of those of the generation at hand, from 0, in the order of the file, of known experiments and others.  The data is valid
 * until the next Sync is delivered.  Return: 1 and *batch, or 0: there are not so many, or they are not kept.
 */
int etr_reader_experimental_batch(const struct etr_reader *reader, size_t i, struct etr_experimental_batch *batch);

/* The trace's minor Go version, 22, 23, 25 or 26; the number of the generation of the event delivered last, as in the file. */
int etr_reader_version(const struct etr_reader *reader);
uint64_t etr_reader_generation(const struct etr_reader *reader);

/*
 * How many wire events of each type byte, structural ones too, were read for what has been delivered so far; an array of 256.
 * Valid as long as the reader; it goes on counting.  etr_reader_next() counts a few events of the generation ahead, so this is
 * exact where a Sync, the end or an error has just been returned.
 */
const uint64_t *etr_reader_wire_counts(const struct etr_reader *reader);

/*
 * The same, how many bytes they take; a batch's header counts for the batch's type, experimental data with it.  Of a trace that
 * is read to its last byte these are all its bytes but the 16 of the file header.
 */
const uint64_t *etr_reader_wire_bytes(const struct etr_reader *reader);

/*
 * What went wrong last, in one line without a newline: "offset 1234: generation 3: ...".  "" where nothing did.  Valid until
 * the reader is freed.  The other three are its parts: the byte offset in the input, the generation (0: none), the cause.
 * They may be set before the error is returned, while the events in front of it are still being delivered: that something
 * went wrong is told by the return value alone.
 */
const char *etr_reader_detail(const struct etr_reader *reader);
uint64_t etr_reader_error_offset(const struct etr_reader *reader);
uint64_t etr_reader_error_generation(const struct etr_reader *reader);
const char *etr_reader_error_message(const struct etr_reader *reader);

/*
 * Where the bytes end that hold nothing but whole generations which were read and delivered without an error: cutting the
 * file there gives a good trace.  0 where there is none.
 */
uint64_t etr_reader_good_size(const struct etr_reader *reader);

/* How much of the input has been passed, and its size in bytes (0: unknown), for progress. */
uint64_t etr_reader_offset(const struct etr_reader *reader);
uint64_t etr_reader_size(const struct etr_reader *reader);

/* "Running", "StateTransition" and so on; NULL for a number that is none. */
const char *etr_state_name(int state);
const char *etr_kind_name(int kind);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
