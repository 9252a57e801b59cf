/* SPDX-License-Identifier: BSD-3-Clause
 *
 * tracer.h - the seam between the recorder's core and its host.
 *
 * A host is what makes goroutines (G), processors (P) and threads (M) change state: our scheduler, or a pthread program. It
 * embeds one small struct of trace state in each of its Gs, Ps and Ms, registers its Ms, answers the calls of struct
 * trace_host, and reports each state change through emit.h, between trace_acquire and trace_release. The core knows nothing
 * else of it.
 *
 * The rules that keep a generation consistent with the format's model (the model: exectrace(5)):
 *
 *  1. A state change and its event happen under one pin: acquire, change the state that visit_gs and visit_ps report, emit, release.
 *  2. A pin is taken after the right to change the object was obtained from whoever changed it last, and that one gave it up only
 *     after (or at the end of) its own pin. So the generations of one object's events never go backwards.
 *  3. Nothing blocks under a pin: no lock that is held while pinned may be waited for by someone who waits for pins to end.
 *
 * The generation advances without stopping the world: the core captures the state of every G and P, moves the number on, waits
 * until each M's pin has been seen even or changed, and then owns whatever the old generation's buffers hold.  A G or P that
 * had no event in the old generation still has, by rule 1, the state that was captured; the core writes it.
 */
#ifndef TRACER_TRACER_H
#define TRACER_TRACER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct trace_chunk;

/*
 * A G's or P's part in the generations. Two generations can be written at a time, the slot is the number's lowest bit.
 * traced: the generation whose status was written; only who may change the object stores it (under its pin), the core reads it.
 * seq: the last sequence number given in that generation; only who may change the object touches it.
 * Numbers count up for the process's life, so a struct that is used again for another G or P is left as it is: never clear it.
 */
struct trace_res {
	_Atomic uint64_t traced[2];
	uint64_t seq[2];
};

/*
 * Embedded in the host's G.  All zero but id and the stack bounds when the struct is first used.  A host may use the struct of
 * a dead G again with a new id; it leaves res as it is then, and trace_go_create starts res afresh for its generation only: a
 * traced[] that says "written" for the other generation stays right, since a G that died there had its status written.  A G
 * that had no event in a generation and whose struct was used again afterwards is told from the new one by trace_g_info.id.
 */
struct trace_g {
	uint64_t id;			/* from 1, never used again */
	struct trace_res res;
	uintptr_t stack_lo, stack_hi;	/* bounds of its stack, for the frame-pointer walk */
};

/* Embedded in the host's P. */
struct trace_p {
	uint64_t id;			/* from 0 */
	struct trace_res res;
	struct trace_chunk *chunk[2];	/* where its events go, by generation; touched only by the M that holds the P, under its pin */
	uint64_t chunk_gen[2];		/* the generation that each was opened in: the pointer is stale in any other; likewise */
};

/*
 * Embedded in the host's M; filled by trace_m_register.
 *
 * pin is odd while this M writes.  It is written by this M alone; trace_acquire's seq_cst store pairs with the core's seq_cst
 * load after it has moved the generation on (store-load on both sides), trace_release's release with the core's acquire.
 */
struct trace_m {
	_Atomic uint64_t pin;
	uint64_t id;			/* kernel thread id */
	struct trace_g *g;		/* what this M runs, or NULL: the host sets both, and they are every event's context */
	struct trace_p *p;
	struct trace_chunk *chunk[2];	/* events without a P, by generation */
	uint64_t chunk_gen[2];		/* as in struct trace_p */
	uint64_t stamp[2];		/* of the chunk with this M's last event in the generation stamp_gen */
	uint64_t stamp_gen[2];
	uint64_t last_time;		/* of the last event, in clock units */
	uint64_t lost[2], lost_gen[2], lost_first[2], lost_last[2];	/* events dropped in a generation, and when */
	uint64_t serial;		/* tells Ms apart whose thread ids are equal; never used again */
	uint64_t born;			/* generation of its registration */
	struct trace_m *next, **prev;	/* the core's list, under its lock */
	struct trace_m_private *priv;	/* the core's own: sample ring, timer, caches */
};

/* Who writes, and in which generation. On the caller's stack. */
struct trace_pin {
	struct trace_m *m;
	uint64_t gen;
};

/* Where an event happened: a pc in the leaf function and that function's frame pointer. 0, 0: no stack. */
struct trace_where {
	uintptr_t pc, fp;
};

/* The function that uses these macros is the leaf; an inline function in their place would be one itself. */
#define TRACE_HERE() ((struct trace_where){ trace_current_pc(), (uintptr_t)__builtin_frame_address(0) })

#if defined(__x86_64__)
#define TRACE_PC_ASM "1: leaq 1b(%%rip), %0"
#elif defined(__aarch64__)
#define TRACE_PC_ASM "adr %0, ."
#else
#error "unsupported processor"
#endif
#define trace_current_pc() \
	__extension__({ uintptr_t trace_pc_; __asm__ volatile(TRACE_PC_ASM : "=r"(trace_pc_)); trace_pc_; })

/* States as the host reports them; numbers of the wire format. */
enum trace_gstate { TRACE_G_DEAD = 0, TRACE_G_RUNNABLE = 1, TRACE_G_RUNNING, TRACE_G_SYSCALL, TRACE_G_WAITING };
enum trace_pstate { TRACE_P_NONE = 0, TRACE_P_RUNNING = 1, TRACE_P_IDLE, TRACE_P_SYSCALL };

/* What a host knows of a G or a P at one instant, read so that state and m belong together. */
struct trace_g_info {
	struct trace_g *g;
	uint64_t id;			/* the state's: use this, since g->id may be another goroutine's by the time it is looked at */
	enum trace_gstate state;
	struct trace_m *m;		/* running, syscall: on which M */
};

struct trace_p_info {
	struct trace_p *p;
	enum trace_pstate state;
	struct trace_m *m;		/* running, syscall: on which M */
};

struct trace_host {
	const char *name;		/* "exectrace-rt", "pthread": told in the process string */
	/*
	 * Where a G's own function returns to, in code of the host's that calls it with a frame pointer of zero: stacks end before
	 * it.  NULL: no such place.
	 */
	const void *root;
	/*
	 * Call visit for every live G, or every P, with a state that was true at some instant during the call.  Objects may
	 * change meanwhile; their memory stays valid for the process's life (it is pooled). On the core's own thread, never
	 * pinned.
	 */
	void (*visit_gs)(void (*visit)(void *ctx, const struct trace_g_info *info), void *ctx);
	void (*visit_ps)(void (*visit)(void *ctx, const struct trace_p_info *info), void *ctx);
	/*
	 * Called once a session's switch is on (gen != 0), before trace_start returns and before the first capture: returns
	 * when every state change that may have seen the switch off has ended.  Changes that began later see it on and write
	 * events meanwhile; that is harmless, since an object's changes follow each other: once one of them saw it on, all
	 * later ones do, and those without an event came before that object's first event.  No M is stopped, and one that
	 * computes delays nothing. A host whose Ms pin themselves even when nothing is recorded (always_pin) leaves it NULL:
	 * the core then waits for pins to pass instead.
	 */
	void (*settle)(void);
	bool always_pin;
	/* Start a detached thread that is no M, with all signals blocked.  Return: 0 or -errno. */
	int (*thread_new)(void (*fn)(void *), void *arg);
	/* The calling thread's M, or NULL; async-signal-safe. */
	struct trace_m *(*current_m)(void);
};

/* --- for the host -------------------------------------------------------------------------------------------- */

/* Once, before anything else; the table must live for ever. Also reads EXECTRACE unless secure execution forbids it. */
void trace_init(const struct trace_host *host);

/* By the thread that is (or was) the M, outside a pin; m->g and m->p are NULL.  Registering sets all fields. */
void trace_m_register(struct trace_m *m);
void trace_m_unregister(struct trace_m *m);

/* The signal by which CPU samples come, 0 while there is none: a host may hold it back where it would end a wait that cannot be restarted. */
int trace_sample_signal(void);

/* Whether a session is on.  Lives in a page that is wiped in forked children, so they are silent. */
struct trace_switch {
	_Atomic uint64_t gen;		/* current generation; 0: off */
	bool always_pin;
};
extern struct trace_switch *trace_switch_page;

bool trace_acquire_slow(struct trace_pin *pin, struct trace_m *m);

/* True when events are to be written, until trace_release.  When false nothing was taken and nothing is owed. */
static inline bool trace_is_on(void)
{
	return __builtin_expect(atomic_load_explicit(&trace_switch_page->gen, memory_order_relaxed) != 0, 0);
}

static inline bool trace_acquire(struct trace_pin *pin, struct trace_m *m)
{
	if (!trace_is_on())
		return false;
	return trace_acquire_slow(pin, m);
}

/* Release: what was written under the pin is seen by the core, whose acquire load sees the even (or a later) number. */
static inline void trace_release(struct trace_pin *pin)
{
	struct trace_m *m = pin->m;

	atomic_store_explicit(&m->pin, atomic_load_explicit(&m->pin, memory_order_relaxed) + 1, memory_order_release);
}

/* Whether the calling M is inside a pin: for signal handlers, which must not report then (trace_acquire answers false). */
static inline bool trace_m_is_pinned(const struct trace_m *m)
{
	return (atomic_load_explicit(&m->pin, memory_order_relaxed) & 1) != 0;
}

/*
 * For a host with always_pin: pins whether or not a session is on; *pin's gen is 0 when it is not (emit nothing then, but
 * release).  A state change is made between the two, on or off.  Not inside another pin.
 */
void trace_pin_always(struct trace_pin *pin, struct trace_m *m);

/*
 * The program's main(), from any thread: addresses in it have its name though the executable be stripped, and the executable's entry
 * point stands for it from now on.
 */
void trace_set_main(uintptr_t main_addr);

/*
 * Code is about to be unloaded (before dlclose, outside a pin): ends the generation, so that its stacks are resolved while the
 * code is still there.
 */
void trace_modules_change(void);

/* --- sessions -------------------------------------------------------------------------------------------------- */

struct trace_options {
	int fd;				/* >= 0: written to, owned by the session from a successful start on; else path */
	const char *path;		/* "%p" stands for the process id */
	unsigned cpu_hz;		/* CPU samples a second of CPU time; 0: none; default 100 */
	unsigned advance_ms;		/* a generation's length; default 1000 */
	uint64_t buffer_limit;		/* bytes of buffers before events are dropped; default 64 MiB */
	unsigned compress;		/* zstd's level, 1 to 19; 0: not compressed */
};
#define TRACE_OPTIONS_INIT { .fd = -1, .path = 0, .cpu_hz = 100, .advance_ms = 1000, .buffer_limit = 64u << 20 }

/*
 * Return: 0 or -errno: -EBUSY when a session is on, -EINVAL, what open and write said.  From any thread that is not pinned and
 * holds no lock that the host's functions take; these three wait for the core's thread.
 *
 * When a session runs out of buffers it drops logs, labels, metrics and samples first and counts them; when it cannot write an
 * event of the model either, or its sink fails, it ends at its last whole generation, says so once on standard error, and
 * trace_stop tells why.
 */
int trace_start(const struct trace_options *options);
/*
 * Ends the last generation, waits until it is written, closes. Return: 0, -ESRCH when no session is on, or the sink's first
 * error.
 */
int trace_stop(void);
/* Ends the current generation and waits until it is written. Return: like trace_stop. */
int trace_advance(void);

#endif
