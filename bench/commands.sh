#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# commands.sh - `make bench`, second part: reading, the commands and Go's tools on one big trace, in turn, with the memory they took.
#
# Environment: top_srcdir, top_builddir; GO the go command; TRACE a trace (default: one of BYTES bytes, 70,000,000, that Go
# records here); COMMAND_ROUNDS and READ_ROUNDS how often each command and each reader is measured (default 3 and 9).  Everything
# runs on one thread where nothing else is said.  Where $EXECTRACE_SHARED (default: beside the source) has Go's trace go1.23-busy-3s,
# that is read, too.
set -eu
: "${top_srcdir:?}" "${top_builddir:?}"
rounds=${COMMAND_ROUNDS:-3}
read_rounds=${READ_ROUNDS:-9}
for n in "$rounds" "$read_rounds"; do
    case $n in
    '' | *[!0-9]* | 0*) echo "bench: COMMAND_ROUNDS and READ_ROUNDS are whole numbers from 1 on, not '$n'" >&2; exit 2 ;;
    esac
done
go=${GO-go}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

if [ -z "$go" ] || ! (cd "$top_srcdir/tests/interop" && "$go" build -o "$tmp/" ./cmd/busy ./cmd/readbench) >&2; then
    echo "bench: no usable go: the commands are not compared" >&2
    exit 0
fi
gotrace=$("$go" tool -n trace)
trace=${TRACE:-}
if [ -z "$trace" ]; then
    trace=$tmp/busy.trace
    GODEBUG=traceadvanceperiod=250000000 "$tmp/busy" "$trace" "${BYTES:-70000000}"
fi
[ -n "$("$top_builddir/trace-stat" --help | grep -e --threads)" ] && one='--threads=1' || one=

# The middle tenth of its time.
window=$("$top_builddir/trace-stat" --json "$trace" | tr ',' '\n' | awk -F: '
    /"duration_ns"/ && !d { d = $2 + 0 } END { printf "--from %.0fns --to %.0fns", d * 0.45, d * 0.55 }')

measure() { # NAME COMMAND...
    name=$1
    shift
    echo "$name $("$top_builddir/bench-run" "$@")" || exit 1
}
busy=
packed=${EXECTRACE_SHARED:-$top_srcdir/../shared}/traces/go1.23-busy-3s.trace.zst
if [ -r "$packed" ] && zstd -qdc "$packed" >"$tmp/go1.23-busy-3s.trace" 2>/dev/null; then
    busy=$tmp/go1.23-busy-3s.trace
fi
i=0
while [ $i -lt "$read_rounds" ]; do
    measure read-ours "$top_builddir/bench-read" "$trace" 1
    GOMAXPROCS=1 measure read-go "$tmp/readbench" "$trace" 1
    measure read-two "$top_builddir/bench-read" -t 2 "$trace" 1
    if [ -n "$busy" ]; then
        measure busy-ours "$top_builddir/bench-read" "$busy" 1
        GOMAXPROCS=1 measure busy-go "$tmp/readbench" "$busy" 1
    fi
    i=$((i + 1))
done >"$tmp/figures"
i=0
while [ $i -lt "$rounds" ]; do
    measure pprof-ours "$top_builddir/trace-pprof" $one sync -o "$tmp/sync.pb.gz" "$trace"
    measure stat-ours "$top_builddir/trace-stat" $one "$trace"
    measure cut-ours "$top_builddir/trace-cut" $window -o "$tmp/cut.trace" "$trace"
    measure print-ours "$top_builddir/trace-print" $one "$trace"
    measure pprof-go "$gotrace" -pprof=sync "$trace"
    measure print-go "$gotrace" -d=parsed "$trace"
    i=$((i + 1))
done >>"$tmp/figures"

awk -v size="$(wc -c <"$trace")" '
function median(name, what,    n, i, j, v, t) {
    n = count[name]
    for (i = 1; i <= n; i++) v[i] = figure[name, what, i]
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return n ? (n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2) : -1
}
function row(what, ours, peer,    o, p) {
    o = median(ours, "s")
    p = median(peer, "s")
    printf "%-52s %9.3f s %6.0f MiB %9.3f s %6.0f MiB   %s\n", what, o, median(ours, "k") / 1024, p, median(peer, "k") / 1024,
        (p >= o ? sprintf("1/%.1f", p / o) : sprintf("%.2f", o / p))
}
NF == 3 { n = ++count[$1]; figure[$1, "s", n] = $2; figure[$1, "k", n] = $3 }
END {
    printf "\n%-52s %22s %22s   %s\n", sprintf("a Go trace of %.0f MB, medians", size / 1e6), "exectrace", "peer", "ratio"
    row("read every event (x/exp/trace, one thread)", "read-ours", "read-go")
    if (count["busy-ours"])
        row("the same of go1.23-busy-3s", "busy-ours", "busy-go")
    row("the same by two threads (by one)", "read-two", "read-ours")
    row("trace-pprof sync (go tool trace -pprof=sync)", "pprof-ours", "pprof-go")
    row("trace-stat (the same)", "stat-ours", "pprof-go")
    row("trace-print (go tool trace -d=parsed)", "print-ours", "print-go")
    row("trace-cut, the middle tenth (reading it once)", "cut-ours", "read-ours")
}' "$tmp/figures"
