/* SPDX-License-Identifier: BSD-3-Clause
 *
 * chan.h - what channels and select share.
 */
#ifndef SYNC_CHAN_H
#define SYNC_CHAN_H

#include "librt/sync/waitlist.h"

/*
 * All under lock. If goroutines wait to receive, the buffer is empty; if some wait to send, it is full; never both, but for a
 * select that does both. A waiter's element is on its stack or its caller's, and is copied by the one who ends the wait.
 */
struct exrt_chan {
	struct exrt__lock lock;
	bool closed;
	size_t elem_size, cap;
	size_t count, head;		/* elements buffered; the oldest one's place */
	struct exrt__waitlist senders, receivers;
	unsigned char buf[];
};

/* The next one that still waits: a select that another channel has ended is passed over. */
struct exrt__waiter *exrt__chan_pop(struct exrt__waitlist *list);

/*
 * One step without waiting, lock held: false when it would have to wait. *wake: whom to make ready once the lock is free, or
 * NULL. Receiving: *ok as in exrt_chan_recv.
 */
bool exrt__chan_send_now(struct exrt_chan *ch, const void *elem, struct exrt__g **wake);
bool exrt__chan_recv_now(struct exrt_chan *ch, void *elem, int *ok, struct exrt__g **wake);

#endif
