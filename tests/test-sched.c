/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-sched.c - the scheduler's pieces one by one: run queues, timers, stacks, switches.
 */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "librt/sched/gmp.h"
#include "librt/tracer/unwind.h"
#include "tests/checks.h"

/* --- run queues ---------------------------------------------------------------------------------------------------------- */

/* Each test is a process of its own. */
static struct exrt__p *p_new(void)
{
	static struct exrt__p ps[8];
	static _Atomic unsigned n;

	return &ps[n++];
}

static struct exrt__g gs[1000];

static void setup(void)
{
	atomic_store(&exrt__sched.nprocs, 1);
	for (unsigned i = 0; i < 1000; i++)
		gs[i].t.id = i;
	exrt__trace_host_init();
}

START_TEST(ring_is_first_in_first_out)
{
	struct exrt__p *p = p_new();

	ck_assert(exrt__runq_is_empty(p));
	for (int i = 0; i < 100; i++)
		exrt__runq_put(p, &gs[i], false);
	ck_assert(!exrt__runq_is_empty(p));
	for (int i = 0; i < 100; i++)
		ck_assert_ptr_eq(exrt__runq_get(p), &gs[i]);
	ck_assert_ptr_null(exrt__runq_get(p));
	ck_assert(exrt__runq_is_empty(p));
}
END_TEST

START_TEST(runnext_goes_first_and_pushes_the_former_into_the_ring)
{
	struct exrt__p *p = p_new();

	exrt__runq_put(p, &gs[0], false);
	exrt__runq_put(p, &gs[1], true);
	exrt__runq_put(p, &gs[2], true);
	ck_assert_ptr_eq(exrt__runq_get(p), &gs[2]);
	ck_assert_ptr_eq(exrt__runq_get(p), &gs[0]);
	ck_assert_ptr_eq(exrt__runq_get(p), &gs[1]);
}
END_TEST

START_TEST(runnext_alone_makes_the_queue_not_empty)
{
	struct exrt__p *p = p_new();

	exrt__runq_put(p, &gs[0], true);
	ck_assert(!exrt__runq_is_empty(p));
}
END_TEST

START_TEST(runnext_does_not_starve_the_ring)
{
	struct exrt__p *p = p_new();
	int rounds = 0;

	exrt__runq_put(p, &gs[0], false);
	for (;;) {
		exrt__runq_put(p, &gs[1], true);
		if (exrt__runq_get(p) == &gs[0])
			break;
		ck_assert_int_lt(++rounds, 1000);
	}
}
END_TEST

START_TEST(full_ring_overflows_to_the_global_queue)
{
	struct exrt__p *p = p_new();
	bool seen[400] = { false };
	struct exrt__g *g;
	int n = 0;

	for (int i = 0; i < 400; i++)
		exrt__runq_put(p, &gs[i], false);
	ck_assert_int_gt(atomic_load(&exrt__sched.runq_size), 0);
	while ((g = exrt__runq_get(p)) || (g = exrt__globq_get(NULL, 1))) {
		ck_assert(!seen[g->t.id]);
		seen[g->t.id] = true;
		n++;
	}
	ck_assert_int_eq(n, 400);
	ck_assert_int_eq(atomic_load(&exrt__sched.runq_size), 0);
}
END_TEST

START_TEST(global_queue_gives_a_batch)
{
	struct exrt__p *p = p_new();

	for (int i = 0; i < 10; i++)
		exrt__globq_put(&gs[i]);
	ck_assert_ptr_eq(exrt__globq_get(p, 4), &gs[0]);
	for (int i = 1; i < 4; i++)
		ck_assert_ptr_eq(exrt__runq_get(p), &gs[i]);
	ck_assert_ptr_null(exrt__runq_get(p));
	ck_assert_int_eq(atomic_load(&exrt__sched.runq_size), 6);
	ck_assert_ptr_eq(exrt__globq_get(p, 1), &gs[4]);
}
END_TEST

START_TEST(stealing_takes_half_and_runnext_only_when_asked)
{
	struct exrt__p *p = p_new(), *victim = p_new();
	int n = 1;

	for (int i = 0; i < 10; i++)
		exrt__runq_put(victim, &gs[i], false);
	ck_assert_ptr_eq(exrt__runq_steal(p, victim, false), &gs[4]);
	while (exrt__runq_get(p))
		n++;
	ck_assert_int_eq(n, 5);
	while (exrt__runq_get(victim))
		n++;
	ck_assert_int_eq(n, 10);
	exrt__runq_put(victim, &gs[0], true);
	ck_assert_ptr_null(exrt__runq_steal(p, victim, false));
	ck_assert_ptr_eq(exrt__runq_steal(p, victim, true), &gs[0]);
}
END_TEST

enum { STOLEN = 200000 };

static struct exrt__p *shared;
static _Atomic int taken[1000], done;

static void *thief(void *arg)
{
	struct exrt__p *mine = p_new();
	struct exrt__g *g;

	while (!atomic_load(&done) || !exrt__runq_is_empty(shared)) {
		for (g = exrt__runq_steal(mine, shared, true); g; g = exrt__runq_get(mine))
			atomic_fetch_add(&taken[g->t.id], 1);
	}
	return NULL;
}

START_TEST(concurrent_thieves_lose_and_double_nothing)
{
	pthread_t threads[2];
	int put[1000] = { 0 };
	struct exrt__g *g;

	shared = p_new();
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, thief, NULL), 0);
	for (int i = 0; i < STOLEN; i++) {
		put[i % 1000]++;
		/* Nothing overflows: a G has one link. */
		while (atomic_load(&shared->tail) - atomic_load(&shared->head) > EXRT__RUNQ_SIZE - 8) {
			g = exrt__runq_get(shared);
			if (g)
				atomic_fetch_add(&taken[g->t.id], 1);
		}
		exrt__runq_put(shared, &gs[i % 1000], i % 3 == 0);
	}
	atomic_store(&done, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	while ((g = exrt__runq_get(shared)))
		atomic_fetch_add(&taken[g->t.id], 1);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(atomic_load(&taken[i]), put[i]);
}
END_TEST

/* --- timers --------------------------------------------------------------------------------------------------------------- */

START_TEST(timers_fire_in_order_and_only_when_due)
{
	struct exrt__m *m = exrt__m_alloc();
	int64_t now = exrt_nanotime(), far = now + 3600000000000ll, last = 0;
	int n = 0;

	m->p = p_new();
	/* A permutation of 0..199 as times, all past, and some that are far. */
	for (int i = 0; i < 200; i++)
		exrt__timer_add(&gs[i], now - 1000 + i * 77 % 200);
	for (int i = 200; i < 220; i++)
		exrt__timer_add(&gs[i], far - i);
	ck_assert_int_eq(exrt__timer_next(), now - 1000);
	ck_assert(exrt__timer_run(m));
	ck_assert_int_eq(exrt__timer_next(), far - 219);
	/* The last that fired is in runnext. */
	for (struct exrt__g *g; (m->p->nexts = 1000, g = exrt__runq_get(m->p)) != NULL; n++) {
		ck_assert_int_ge(g->wake_at, last);
		last = g->wake_at;
	}
	ck_assert_int_eq(n, 200);
	ck_assert(!exrt__timer_run(m));
	exrt__timer_clear();
	ck_assert_int_eq(exrt__timer_next(), 0);
}
END_TEST

/* --- stacks ---------------------------------------------------------------------------------------------------------------- */

/* Touches below the stack in a child.  Return: how it ended. */
static int touch_below(const struct exrt__stack *stack)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);	/* a sanitizer's handler exits */
		*(volatile char *)(stack->lo - 8) = 1;
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

START_TEST(stacks_are_large_enough_and_pooled)
{
	static struct exrt__stack *a, *b, *c;

	a = exrt__stack_get(0);
	b = exrt__stack_get(100000);
	ck_assert_uint_ge(a->hi - a->lo, 60u << 10);
	ck_assert_uint_ge(b->hi - b->lo, 100000);
	memset((void *)a->lo, 1, a->hi - a->lo);
	memset((void *)b->lo, 1, b->hi - b->lo);
	exrt__stack_put(a);
	c = exrt__stack_get(0);
	ck_assert_ptr_eq(a, c);
	ck_assert_ptr_null(exrt__stack_get((size_t)1 << 62));
}
END_TEST

START_TEST(madvise_guards_stop_writes)
{
	static struct exrt__stack *stack;

	stack = exrt__stack_get(0);
	if (stack->guard != EXRT__GUARD_MADVISE)
		return;		/* an older kernel */
	ck_assert(WIFSIGNALED(touch_below(stack)));
	ck_assert(exrt__stack_is_guard(stack, stack->lo - 8));
	ck_assert(!exrt__stack_is_guard(stack, stack->lo));
}
END_TEST

START_TEST(mprotect_guards_stop_writes_until_there_are_too_many)
{
	static struct exrt__stack *first, *second, *third;

	exrt__stack_limit_guards(EXRT__GUARD_MPROTECT, 2);
	first = exrt__stack_get(0);
	second = exrt__stack_get(0);
	third = exrt__stack_get(0);
	ck_assert_int_eq(first->guard, EXRT__GUARD_MPROTECT);
	ck_assert_int_eq(second->guard, EXRT__GUARD_MPROTECT);
	ck_assert_int_eq(third->guard, EXRT__GUARD_CANARY);
	ck_assert(WIFSIGNALED(touch_below(first)));
	ck_assert(WIFEXITED(touch_below(third)));
}
END_TEST

START_TEST(canaries_notice_writes)
{
	static struct exrt__stack *stack;

	exrt__stack_limit_guards(EXRT__GUARD_CANARY, 0);
	stack = exrt__stack_get(0);
	ck_assert(exrt__stack_is_whole(stack));
	memset((void *)stack->lo, 0xff, 64);
	ck_assert(exrt__stack_is_whole(stack));
	*(volatile char *)(stack->lo - 8) = 1;
	ck_assert(!exrt__stack_is_whole(stack));
}
END_TEST

/* --- switches ------------------------------------------------------------------------------------------------------ */

/* In a way that the compiler cannot do beforehand. */
static volatile double one = 1, three = 3;

static double divide(void)
{
	return one / three;
}

static struct {
	double third[2];
	uintptr_t root_fp;
	int arg;
} seen;

#if defined(__x86_64__)
static void round_up(bool up)
{
	uint32_t csr;

	__asm__ volatile("stmxcsr %0" : "=m"(csr));
	csr = (csr & ~0x6000u) | (up ? 0x4000u : 0);
	__asm__ volatile("ldmxcsr %0" : : "m"(csr));
}
#elif defined(__aarch64__)
static void round_up(bool up)
{
	uint64_t fpcr;

	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	fpcr = (fpcr & ~(3ull << 22)) | (up ? 1ull << 22 : 0);
	__asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
}
#endif

static void rounding(void *arg)
{
	round_up(true);
	exrt_yield();
	seen.third[0] = divide();
}

static int run_rounding(void *arg)
{
	exrt_maxprocs(1);
	exrt_go(rounding, NULL);
	exrt_yield();
	seen.third[1] = divide();
	exrt_yield();
	return 0;
}

START_TEST(rounding_mode_belongs_to_the_goroutine)
{
	ck_assert_int_eq(exrt_run(run_rounding, NULL), 0);
	ck_assert(seen.third[1] == 1.0 / 3.0);
	ck_assert_msg(seen.third[0] > 1.0 / 3.0, "%.20g", seen.third[0]);
}
END_TEST

/* Registers that a call preserves must survive switches to others that use them. */
static __attribute__((noinline)) long mix(long a, long b, long c, long d, long e, long f)
{
	for (int i = 0; i < 50; i++) {
		exrt_yield();
		a += b ^ i;
		b += c;
		c ^= d + i;
		d += e;
		e ^= f;
		f += a;
	}
	return a ^ b ^ c ^ d ^ e ^ f;
}

static __attribute__((noinline)) double mix_doubles(double a, double b)
{
	for (int i = 0; i < 50; i++) {
		double t = a * 0.5;

		exrt_yield();
		a = t + b;
		b = b * 0.75 + 1;
	}
	return a + b;
}

static long mixed[20];
static double mixed_doubles[20];

static void mixing(void *arg)
{
	long i = (long *)arg - mixed;

	mixed[i] = mix(i, i * 3, i * 5, i * 7, i * 11, i * 13);
	mixed_doubles[i] = mix_doubles((double)i, 2 * (double)i);
}

static int run_mixing(void *arg)
{
	for (int i = 0; i < 20; i++)
		exrt_go(mixing, &mixed[i]);
	for (int i = 0; i < 300; i++)
		exrt_yield();
	for (int i = 0; i < 20; i++)
		ck_assert(mixed[i] == mix(i, i * 3, i * 5, i * 7, i * 11, i * 13));
	for (int i = 0; i < 20; i++)
		ck_assert(mixed_doubles[i] == mix_doubles(i, 2 * i));
	return 0;
}

START_TEST(registers_survive_switches)
{
	setenv("RTMAXPROCS", "1", 1);
	ck_assert_int_eq(exrt_run(run_mixing, NULL), 0);
}
END_TEST

static void chain(void *arg)
{
	uintptr_t *fp = __builtin_frame_address(0);

	seen.arg = *(int *)arg;
	seen.root_fp = fp[0];
}

static int run_chain(void *arg)
{
	int value = 42;

	exrt_maxprocs(1);
	exrt_go(chain, &value);
	exrt_yield();
	return 0;
}

/* How many frames the recorder finds from its caller on. */
static __attribute__((noinline)) uint32_t count_frames(void)
{
	const struct trace_g *g = exrt__m_self()->t.g;
	uintptr_t pcs[TRACE_MAX_FRAMES];

	return trace_unwind(1, (uintptr_t)__builtin_frame_address(0), g->stack_lo, g->stack_hi, pcs) - 1;
}

static void count_own(void *arg)
{
	*(uint32_t *)arg = count_frames();
}

static int run_count(void *arg)
{
	uint32_t *found = arg;

	exrt_maxprocs(1);
	found[0] = count_frames();
	exrt_go(count_own, &found[1]);
	exrt_yield();
	return 7;
}

START_TEST(stacks_end_at_the_goroutines_own_function)
{
	uint32_t found[2] = { 0, 0 };

	ck_assert_int_eq(exrt_run(run_count, found), 7);
	ck_assert_uint_eq(found[0], 1);
	ck_assert_uint_eq(found[1], 1);
}
END_TEST

START_TEST(frame_pointers_end_with_zero)
{
	seen.root_fp = 1;
	ck_assert_int_eq(exrt_run(run_chain, NULL), 0);
	ck_assert_int_eq(seen.arg, 42);
	ck_assert_uint_eq(seen.root_fp, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sched");
	TCase *queues = tcase_create("queues"), *stacks = tcase_create("stacks"), *switches = tcase_create("switches");

	tcase_add_checked_fixture(queues, setup, NULL);
	tcase_add_test(queues, ring_is_first_in_first_out);
	tcase_add_test(queues, runnext_goes_first_and_pushes_the_former_into_the_ring);
	tcase_add_test(queues, runnext_alone_makes_the_queue_not_empty);
	tcase_add_test(queues, runnext_does_not_starve_the_ring);
	tcase_add_test(queues, full_ring_overflows_to_the_global_queue);
	tcase_add_test(queues, global_queue_gives_a_batch);
	tcase_add_test(queues, stealing_takes_half_and_runnext_only_when_asked);
	tcase_add_test(queues, concurrent_thieves_lose_and_double_nothing);
	tcase_add_test(queues, timers_fire_in_order_and_only_when_due);
	tcase_set_timeout(queues, 60);
	suite_add_tcase(suite, queues);
	tcase_add_test(stacks, stacks_are_large_enough_and_pooled);
	tcase_add_test(stacks, madvise_guards_stop_writes);
	tcase_add_test(stacks, mprotect_guards_stop_writes_until_there_are_too_many);
	tcase_add_test(stacks, canaries_notice_writes);
	suite_add_tcase(suite, stacks);
	tcase_add_test(switches, rounding_mode_belongs_to_the_goroutine);
	tcase_add_test(switches, registers_survive_switches);
	tcase_add_test(switches, stacks_end_at_the_goroutines_own_function);
	tcase_add_test(switches, frame_pointers_end_with_zero);
	tcase_set_timeout(switches, 60);
	suite_add_tcase(suite, switches);
	return checks_run(suite);
}
