/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test-channels.c - channels and select.
 */
#include <check.h>
#include <errno.h>

#include "tests/checks.h"
#include "tests/rtcheck.h"

/* --- channels -------------------------------------------------------------------------------------------------------------- */

static void send_squares(void *arg)
{
	for (long i = 0; i < 1000; i++) {
		long v = i * i;

		exrt_chan_send(arg, &v);
	}
	exrt_chan_close(arg);
}

static int receive_in_order(void *arg)
{
	static const size_t caps[] = { 0, 1, 7, 1000 };

	for (int k = 0; k < 4; k++) {
		struct exrt_chan *ch = rtcheck_chan(sizeof(long), caps[k]);
		long v = 1;

		expect(exrt_chan_cap(ch) == caps[k]);
		exrt_go(send_squares, ch);
		for (long i = 0; i < 1000; i++) {
			expect(exrt_chan_recv(ch, &v) == 1);
			expect(v == i * i);
		}
		expect(exrt_chan_recv(ch, &v) == 0 && v == 0);
		expect(exrt_chan_tryrecv(ch, &v) == 0);
	}
	return 0;
}

START_TEST(channels_keep_order_and_tell_the_end)
{
	rtcheck_run(receive_in_order);
}
END_TEST

static int try_forms(void *arg)
{
	struct exrt_chan *ch = rtcheck_chan(sizeof(int), 2), *un = rtcheck_chan(sizeof(int), 0);
	int v = 5;

	expect(exrt_chan_tryrecv(ch, &v) == -EAGAIN && v == 5);
	expect(exrt_chan_trysend(ch, &v) == 1);
	v = 6;
	expect(exrt_chan_trysend(ch, &v) == 1);
	expect(exrt_chan_trysend(ch, &v) == -EAGAIN);
	expect(exrt_chan_len(ch) == 2);
	expect(exrt_chan_trysend(un, &v) == -EAGAIN);
	exrt_chan_close(ch);
	expect(exrt_chan_tryrecv(ch, &v) == 1 && v == 5);
	expect(exrt_chan_recv(ch, NULL) == 1);
	expect(exrt_chan_tryrecv(ch, &v) == 0 && v == 0);
	expect(exrt_chan_trysend(NULL, &v) == -EAGAIN && exrt_chan_tryrecv(NULL, &v) == -EAGAIN);
	expect(exrt_chan_len(NULL) == 0 && exrt_chan_cap(NULL) == 0);
	expect(exrt_chan_new(SIZE_MAX / 2, 3) == NULL);
	return 0;
}

START_TEST(try_forms_do_not_wait)
{
	rtcheck_run(try_forms);
}
END_TEST

static void receive_closed(void *arg)
{
	struct exrt_chan **chs = arg;
	int v = 9;

	expect(exrt_chan_recv(chs[0], &v) == 0);
	expect(v == 0);
	exrt_chan_send(chs[1], &v);
}

static int close_wakes(void *arg)
{
	struct exrt_chan *chs[2] = { rtcheck_chan(sizeof(int), 0), rtcheck_chan(sizeof(int), 0) };

	for (int i = 0; i < 10; i++)
		exrt_go(receive_closed, chs);
	for (int i = 0; i < 20; i++)
		exrt_yield();
	exrt_chan_close(chs[0]);
	for (int i = 0; i < 10; i++)
		expect(exrt_chan_recv(chs[1], NULL) == 1);
	return 0;
}

START_TEST(close_wakes_all_receivers)
{
	rtcheck_run(close_wakes);
}
END_TEST

static void send_three(void *arg)
{
	for (int i = 1; i <= 3; i++)
		exrt_chan_send(arg, &i);
}

static int buffered_senders_wait_in_order(void *arg)
{
	struct exrt_chan *ch = rtcheck_chan(sizeof(int), 1);
	int v;

	exrt_maxprocs(1);
	exrt_go(send_three, ch);
	exrt_yield();
	expect(exrt_chan_len(ch) == 1);
	for (int i = 1; i <= 3; i++) {
		expect(exrt_chan_recv(ch, &v) == 1);
		expect(v == i);
	}
	return 0;
}

START_TEST(waiting_senders_fill_the_buffer)
{
	rtcheck_run(buffered_senders_wait_in_order);
}
END_TEST

static struct exrt_chan *line;

static void send_one(void *arg)
{
	exrt_chan_send(line, arg);
}

static int senders_in_line(void *arg)
{
	static int values[] = { 1, 2, 3, 4 };
	int v;

	line = rtcheck_chan(sizeof(int), 0);
	exrt_maxprocs(1);
	for (int i = 0; i < 4; i++) {
		exrt_go(send_one, &values[i]);
		exrt_yield();	/* it waits now */
	}
	for (int i = 0; i < 4; i++) {
		exrt_chan_recv(line, &v);
		expect(v == values[i]);
	}
	return 0;
}

START_TEST(those_who_wait_are_served_in_order)
{
	rtcheck_run(senders_in_line);
}
END_TEST

/* --- select -------------------------------------------------------------------------------------------------------- */

static int select_ready(void *arg)
{
	struct exrt_chan *a = rtcheck_chan(sizeof(int), 100), *b = rtcheck_chan(sizeof(int), 100);
	int v = 1, got, chosen[3] = { 0 };
	struct exrt_select_case cases[] = {
		{ EXRT_SELECT_RECV, a, &got, 0 }, { EXRT_SELECT_SEND, b, &v, 0 }, { EXRT_SELECT_RECV, NULL, &got, 0 },
	};

	for (int i = 0; i < 50; i++)
		exrt_chan_send(a, &i);
	for (int i = 0; i < 40; i++) {
		int c = exrt_select(cases, 3, i % 2 == 0);

		expect(c == 0 || c == 1);
		if (c >= 0)
			chosen[c]++;
	}
	/* Both were ready each time: never one of them has a chance of 2^-40. */
	expect(chosen[0] > 0 && chosen[1] > 0);
	expect(exrt_chan_len(a) == 50u - (unsigned)chosen[0] && exrt_chan_len(b) == (size_t)chosen[1]);
	expect(exrt_select(&cases[2], 1, true) == -EAGAIN);
	expect(exrt_select(NULL, 0, true) == -EAGAIN);
	return 0;
}

START_TEST(select_takes_what_is_ready_at_random)
{
	rtcheck_run(select_ready);
}
END_TEST

static void feed(void *arg)
{
	struct exrt_chan **chs = arg;

	for (int i = 0; i < 300; i++)
		exrt_chan_send(chs[i % 3], &i);
	exrt_chan_close(chs[1]);
}

static int select_waits(void *arg)
{
	struct exrt_chan *chs[12];
	struct exrt_select_case cases[12];
	int got, n = 0, c;

	for (int i = 0; i < 12; i++) {
		chs[i] = rtcheck_chan(sizeof(int), 0);
		cases[i] = (struct exrt_select_case){ EXRT_SELECT_RECV, chs[i % 11], &got, 0 };	/* one stands twice */
	}
	exrt_go(feed, chs);
	for (;;) {
		/* Few cases and many take different ways. */
		c = exrt_select(cases, n % 2 ? 12 : 3, false);
		if (!cases[c].ok)
			break;
		expect(got == n);
		expect((c == 11 ? 0 : c) == n % 3);
		n++;
	}
	expect(c == 1 && n == 300 && got == 0);
	return 0;
}

START_TEST(select_waits_for_any)
{
	rtcheck_run(select_waits);
}
END_TEST

static void select_send(void *arg)
{
	struct exrt_chan **chs = arg;
	int v[2] = { 10, 20 };
	struct exrt_select_case cases[] = { { EXRT_SELECT_SEND, chs[0], &v[0], 0 }, { EXRT_SELECT_SEND, chs[1], &v[1], 0 } };

	for (int i = 0; i < 100; i++)
		exrt_select(cases, 2, false);
	exrt_chan_close(chs[2]);
}

static int selects_meet(void *arg)
{
	struct exrt_chan *chs[3] = { rtcheck_chan(sizeof(int), 0), rtcheck_chan(sizeof(int), 0), rtcheck_chan(0, 0) };
	int got[2], n = 0;
	struct exrt_select_case cases[] = {
		{ EXRT_SELECT_RECV, chs[1], &got[1], 0 },
		{ EXRT_SELECT_RECV, chs[0], &got[0], 0 },
		{ EXRT_SELECT_RECV, chs[2], NULL, 0 },
	};

	exrt_go(select_send, chs);
	for (;;) {
		int c = exrt_select(cases, 3, false);

		if (c == 2)
			break;
		expect(c == 0 ? got[1] == 20 : got[0] == 10);
		n++;
	}
	expect(n == 100);
	return 0;
}

START_TEST(select_meets_select)
{
	rtcheck_run(selects_meet);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("channels");

	checks_add(suite, "channels", 60, CHECKS(channels_keep_order_and_tell_the_end, try_forms_do_not_wait,
		close_wakes_all_receivers, waiting_senders_fill_the_buffer, those_who_wait_are_served_in_order));
	checks_add(suite, "select", 60, CHECKS(select_takes_what_is_ready_at_random, select_waits_for_any,
		select_meets_select));
	return checks_run(suite);
}
