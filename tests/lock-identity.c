/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lock-identity.c - several locks that are all taken at one place and given back at one: with no argument, a program that has
 * goroutines wait for them; with a trace, whether that says which lock each wait and the unlock that ended it were about.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include <exectrace/rt.h>

#include "analysis/source.h"

#define LOCKS 4
#define MS    1000000ll

static struct exrt_mutex locks[LOCKS];
static struct exrt_waitgroup done;

static __attribute__((noinline)) void take_lock(struct exrt_mutex *lock)
{
	exrt_mutex_lock(lock);
	__asm__ volatile("");
}

static __attribute__((noinline)) void drop_lock(struct exrt_mutex *lock)
{
	exrt_mutex_unlock(lock);
	__asm__ volatile("");
}

static void user(void *arg)
{
	take_lock(arg);
	exrt_sleep(MS);
	drop_lock(arg);
	exrt_waitgroup_done(&done);
}

static int run(void *arg)
{
	exrt_waitgroup_add(&done, 3 * LOCKS);
	for (int i = 0; i < LOCKS; i++)
		take_lock(&locks[i]);
	for (int i = 0; i < 3 * LOCKS; i++)
		exrt_go(user, &locks[i % LOCKS]);
	exrt_sleep(5 * MS);
	for (int i = 0; i < LOCKS; i++)
		drop_lock(&locks[i]);
	exrt_waitgroup_wait(&done);
	return 0;
}

/* Each wait for a lock that is ended by an unlock must have been for that lock. */
static int check(struct an_source *source)
{
	struct an_map waits, seen;
	struct etr_event event;
	uint64_t lock, *wait;
	size_t ended = 0, bad = 0;

	an_map_init(&waits, 1, sizeof(uint64_t));
	an_map_init(&seen, 1, 0);
	while (an_source_next(source, &event) == 1) {
		const uint64_t g = (uint64_t)event.u.transition.id;

		if (event.kind != ETR_KIND_STATE_TRANSITION || event.resource != ETR_RESOURCE_GOROUTINE)
			continue;
		if (event.from == ETR_STATE_WAITING && (wait = an_map_find(&waits, &g))) {
			ended++;
			if (!an_notes_lock(&source->notes, event.stack, &lock) || lock != *wait || !lock)
				bad++;
			an_map_remove(&waits, &g);
		}
		if (event.to == ETR_STATE_WAITING && an_notes_lock(&source->notes, event.u.transition.stack, &lock)) {
			*(uint64_t *)an_map_add(&waits, &g, NULL) = lock;
			an_map_add(&seen, &lock, NULL);
		}
	}
	printf("%zu waits for %zu locks, %zu of them ended by an unlock of another\n", ended, seen.n, bad);
	bad += ended < 2 * LOCKS || seen.n != LOCKS;
	an_map_free(&waits);
	an_map_free(&seen);
	return bad != 0;
}

int main(int argc, char **argv)
{
	struct etr_reader *reader;
	struct an_source source;
	int status;

	if (argc < 2)
		return exrt_run(run, NULL) != 0;
	reader = etr_reader_new();
	if (!reader || etr_reader_open_path(reader, argv[1]) < 0 || an_source_init(&source, reader) < 0)
		return 2;
	status = check(&source);
	an_source_free(&source);
	etr_reader_free(reader);
	return status;
}
