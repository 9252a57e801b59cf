#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# CPU samples of a program without frame pointers that are taken inside libc, and in what libc calls, have all callers.
. "${top_srcdir:?}/tests/pthread-lib.sh"

[ "$(uname -m)" = x86_64 ] || { echo "only on x86-64"; exit 77; }
expect 0 "$record" -q --cpu-hz 1000 --period 50ms -o deep.trace -- "$top_builddir/tests/deepsamples" deep.trace
accepted deep.trace
expect 0 "$top_builddir/trace-print" --stacks deep.trace
grep 'stack=' out | grep ':sort_all:' >samples
[ -s samples ] || fail "no sample is below sort_all"
grep -v ':sort_all:.*:compute:.*:main:' samples >torn && fail "samples without all callers: $(wc -l <torn) of $(wc -l <samples)"
grep -q ':compare:.*:sort_all:' samples || fail "no sample is in what libc calls"
finish
