#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# run.sh - `make bench`: what things cost here and in Go, measured in turn, as medians and ratios.
#
# Environment: top_srcdir, top_builddir; GO the go command (without it only our own figures are shown); ROUNDS how often each
# side is measured (default 5).
set -eu
: "${top_srcdir:?}" "${top_builddir:?}"
rounds=${ROUNDS:-5}
go=${GO-go}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

have_go=no
if [ -n "$go" ] && (cd "$top_srcdir/tests/interop" && "$go" build -o "$tmp/" ./cmd/rtbench) >&2; then
    have_go=yes
else
    echo "bench: no usable go: our own figures only" >&2
fi

# The benchmarks print "NAME NS".
i=0
while [ $i -lt "$rounds" ]; do
    if [ -x "$top_builddir/bench-sched" ]; then
        RTMAXPROCS=1 "$top_builddir/bench-sched" | sed 's/^/ours /'
        "$top_builddir/bench-emit" | sed -n 's/^event-plain /ours event-plain /p'
    fi
    [ $have_go = no ] || GOMAXPROCS=1 "$tmp/rtbench" | sed 's/^/go /'
    i=$((i + 1))
done >"$tmp/figures"

awk '
function median(side, name,    n, i, j, v, t) {
    n = count[side, name]
    for (i = 1; i <= n; i++) v[i] = figure[side, name, i]
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return n ? (n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2) : -1
}
function row(what, ours, peer) {
    printf "%-52s %10s %10s %8s\n", what, ours < 0 ? "-" : sprintf("%.1f", ours), peer < 0 ? "-" : sprintf("%.1f", peer),
        ours < 0 || peer <= 0 ? "-" : sprintf("%.2f", ours / peer)
}
# What recording adds to an operation.
function added(side, name,    on, off) {
    on = median(side, name "-traced"); off = median(side, name "-off")
    return on < 0 || off < 0 ? -1 : on - off
}
function both(what, name) { row(what, median("ours", name), median("go", name)) }
function both_added(what, name) { row(what, added("ours", name), added("go", name)) }
NF == 3 { figure[$1, $2, ++count[$1, $2]] = $3 }
END {
    printf "%-52s %10s %10s %8s\n", "nanoseconds, medians of the rounds", "exectrace", "Go", "ratio"
    row("event without a stack (Go: a coroutine switch)", median("ours", "event-plain"), added("go", "coro"))
    row("event with a stack (a region'\''s begin or end)", median("ours", "region-traced"), median("go", "region-traced"))
    both("user log, traced", "log-traced")
    both("yield", "yield-off")
    both_added("yield, what tracing adds (2 events)", "yield")
    both("unbuffered channel message", "chan-off")
    both_added("channel message, what tracing adds", "chan")
    both("create, run, end, joined in batches of 100", "create-off")
    both_added("the same, what tracing adds", "create")
    both("pipe write and read of a byte", "pipe-off")
    both_added("the same, what tracing adds", "pipe")
    both("tracing off: a log call", "log-off")
}' "$tmp/figures"
