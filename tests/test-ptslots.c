/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-ptslots.c - the pthread host's processors: slots that are taken, given back, and taken from system calls that last.
 */
#include "config.h"

#include <semaphore.h>
#include <stdlib.h>

#include "tests/pthosted.h"

START_TEST(slots_are_the_smallest_free)
{
	struct pt_slot *slot[200];
	uint64_t first;

	slot[0] = pt_slot_take(NULL);
	first = slot[0]->p.id;
	for (unsigned i = 1; i < 200; i++) {
		slot[i] = pt_slot_take(NULL);
		ck_assert_uint_eq(slot[i]->p.id, first + i);
	}
	pt_slot_give(slot[150]);
	pt_slot_give(slot[3]);
	ck_assert_ptr_eq(pt_slot_take(NULL), slot[3]);
	ck_assert_ptr_eq(pt_slot_take(NULL), slot[150]);
	for (unsigned i = 0; i < 200; i++)
		pt_slot_give(slot[i]);
}
END_TEST

/* A thread in a system call that is told when to come back from it, and whose call is as old as wanted. */
struct caller {
	struct pt_thread *t;
	pthread_t thread;
	uint64_t since;			/* of the call; 0: for ever */
	struct pt_slot *slot, *slot_behind;	/* in the call, and when it is over */
	sem_t in, end;
};

static void *call(void *arg)
{
	struct caller *c = arg;
	struct pt_thread *t;

	ck_assert(pt_thread_begin(c->t, false, (uintptr_t)call));
	t = pt_syscall_enter(TRACE_HERE());
	c->slot = c->t->slot;
	atomic_store(&c->slot->since, c->since);
	sem_post(&c->in);
	sem_wait(&c->end);
	pt_call_leave(t);
	ck_assert_int_eq(pt_state_own(c->t), TRACE_G_RUNNING);
	c->slot_behind = c->t->slot;
	pt_thread_end(c->t);
	return NULL;
}

static void caller_begin(struct caller *c, uint64_t since)
{
	*c = (struct caller){ .t = pt_thread_new(), .since = since };
	sem_init(&c->in, 0, 0);
	sem_init(&c->end, 0, 0);
	ck_assert_int_eq(pthread_create(&c->thread, NULL, call, c), 0);
	sem_wait(&c->in);
}

static void caller_join(struct caller *c)
{
	ck_assert_int_eq(pthread_join(c->thread, NULL), 0);
	sem_destroy(&c->in);
	sem_destroy(&c->end);
}

static void caller_end(struct caller *c)
{
	sem_post(&c->end);
	caller_join(c);
}

/* The test's thread waits, another one takes its slot for a call that is young, and then it goes on. */
static void wait_while_taken(struct caller *taker)
{
	struct pt_thread *t = pt_block_enter(NULL, "sleep", 0, TRACE_HERE());
	struct pt_slot *mine = self->slot;

	ck_assert_ptr_null(mine);
	caller_begin(taker, UINT64_MAX);
	pt_call_leave(t);
	ck_assert_int_eq(pt_state_own(self), TRACE_G_RUNNING);
}

/* All slots that were used before are held for good.  Return: the one that comes next. */
static struct pt_slot *hold_known_slots(void)
{
	struct pt_slot *slot = pt_slot_take(NULL);

	while (atomic_load(&slot->known))
		slot = pt_slot_take(NULL);
	pt_slot_give(slot);
	return slot;
}

START_TEST(a_call_that_lasts_loses_its_slot)
{
	struct pt_slot *mine = self->slot, *fresh;
	struct caller lasting, taker;
	struct found found;

	start_recording();
	fresh = hold_known_slots();
	caller_begin(&lasting, 0);
	ck_assert_ptr_eq(lasting.slot, fresh);
	wait_while_taken(&taker);
	ck_assert_ptr_eq(taker.slot, mine);
	ck_assert_ptr_eq(self->slot, fresh);
	/* Its call ends without a slot: there is a new one for it. */
	caller_end(&lasting);
	ck_assert_ptr_ne(lasting.slot_behind, lasting.slot);
	ck_assert_ptr_ne(lasting.slot_behind, mine);
	caller_end(&taker);
	ck_assert_ptr_eq(taker.slot_behind, taker.slot);
	ck_assert_int_eq(trace_stop(), 0);
	read_trace(&found);
	ck_assert_uint_eq(found.steals, 1);
	ck_assert_uint_eq(found.syscalls, 2);
	ck_assert_uint_eq(found.syscalls_blocked, 1);
}
END_TEST

START_TEST(a_young_call_keeps_its_slot)
{
	struct caller young, taker;
	struct pt_slot *fresh;
	struct found found;

	start_recording();
	fresh = hold_known_slots();
	caller_begin(&young, UINT64_MAX);
	ck_assert_ptr_eq(young.slot, fresh);
	wait_while_taken(&taker);
	ck_assert_ptr_ne(self->slot, young.slot);
	caller_end(&young);
	ck_assert_ptr_eq(young.slot_behind, young.slot);
	caller_end(&taker);
	ck_assert_int_eq(trace_stop(), 0);
	read_trace(&found);
	ck_assert_uint_eq(found.steals, 0);
	ck_assert_uint_eq(found.syscalls_blocked, 0);
}
END_TEST

START_TEST(a_call_that_ends_meanwhile_waits_for_the_thief)
{
	uintptr_t holder;
	struct caller c;

	caller_begin(&c, UINT64_MAX);
	holder = (uintptr_t)&c.t->m | PT_SLOT_SYSCALL;
	ck_assert(atomic_compare_exchange_strong(&c.slot->holder, &holder, (uintptr_t)&c.t->m | PT_SLOT_STEALING));
	sem_post(&c.end);
	while (atomic_load(&c.t->handoff) != PT_HANDOFF_AWAITED)
		sched_yield();
	ck_assert_int_eq(pt_state_of(atomic_load(&c.t->state)), TRACE_G_SYSCALL);
	atomic_store(&c.slot->holder, 0);
	atomic_store(&c.t->handoff, PT_HANDOFF_DONE);
	pt_futex_wake(&c.t->handoff, 1);
	caller_join(&c);
	ck_assert_ptr_ne(c.slot_behind, c.slot);
	pt_slot_give(c.slot);
}
END_TEST

/* Calls that count as old at once, by more threads than there are slots: their slots change hands all the time. */
#define CALLERS 12
#define CALLS 1500

static void *call_often(void *arg)
{
	struct pt_thread *me = arg, *t;
	unsigned seed = (unsigned)me->g.id;

	ck_assert(pt_thread_begin(me, false, (uintptr_t)call_often));
	for (int i = 0; i < CALLS; i++) {
		t = pt_syscall_enter(TRACE_HERE());
		/* It may be another one's by now, whose call is then thought older. */
		atomic_store(&me->slot->since, 0);
		if (rand_r(&seed) % 4 == 0)
			sched_yield();
		pt_call_leave(t);
		if (rand_r(&seed) % 16 == 0)
			wait_shortly();
	}
	pt_thread_end(me);
	return NULL;
}

START_TEST(slots_that_change_hands_are_told_of)
{
	pthread_t threads[CALLERS];
	struct found found;

	start_recording();
	hold_known_slots();
	advance_begin();
	for (int i = 0; i < CALLERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, pt_thread_new()), 0);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	advance_end();
	ck_assert_int_eq(trace_stop(), 0);
	read_trace(&found);
	ck_assert_uint_eq(found.syscalls, CALLERS * CALLS);
	ck_assert_uint_eq(found.ends, CALLERS);
	/* Each call that ended without a slot had lost it. */
	ck_assert_uint_eq(found.syscalls_blocked, found.steals);
}
END_TEST

int main(void)
{
	return pthosted_run("ptslots", CHECKS(slots_are_the_smallest_free, a_call_that_lasts_loses_its_slot, a_young_call_keeps_its_slot,
					      a_call_that_ends_meanwhile_waits_for_the_thief, slots_that_change_hands_are_told_of));
}
