#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# stress.sh - many short runs of stress-rt with varied settings; every trace must be read to its end, by our reader and by Go's.
#
# STRESS_RUNS: how many (default 6); STRESS_MS: how long each (default 150); STRESS_SEED: the first seed (default 1).
# Traces are deleted when they are good.  Without go or its module only our reader is asked.
set -u

runs=${STRESS_RUNS:-6}
ms=${STRESS_MS:-150}
seed=${STRESS_SEED:-1}
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
top_builddir=${top_builddir:-$(pwd)}
dir=$(mktemp -d "${TMPDIR:-/tmp}/stress-rt.XXXXXX") || exit 99
failed=0 traces=0 events=0

[ -x "$top_builddir/stress-rt" ] || { echo "stress-rt is not built here"; exit 77; }

reader=
if [ -n "${GO:-$(command -v go)}" ]; then
	if (cd "$top_srcdir/tests/interop" && GOFLAGS="-mod=readonly -buildvcs=false" ${GO:-go} build -o "$dir/godump" ./cmd/godump) 2> "$dir/go.log"; then
		reader=$dir/godump
	else
		echo "Go's reader cannot be built; only ours is asked:"
		cat "$dir/go.log"
	fi
fi

# read_all FILES: says which are bad.
read_all() {
	for f in "$@"; do
		traces=$((traces + 1))
		"$top_builddir/trace-stat" "$f" > "$dir/stat.out" 2>&1 || { echo "trace-stat: $(tail -n 1 "$dir/stat.out")"; return 1; }
	done
	[ -n "$reader" ] || return 0
	"$reader" -count "$@" > "$dir/go.out" 2>&1
	events=$((events + $(awk '{ n += $2 } END { print n + 0 }' "$dir/go.out")))
	[ "$(grep -c ' ok$' "$dir/go.out")" -eq $# ] && return 0
	echo "Go's reader:"
	grep -v ' ok$' "$dir/go.out"
	return 1
}

last=$((seed + runs - 1))
while [ "$seed" -le "$last" ]; do
	RTMAXPROCS=$((seed % 5 + 1)) timeout 120 "$top_builddir/stress-rt" "$dir" "$seed" "$ms" > "$dir/run.out" 2>&1
	rc=$?
	if [ $rc -ne 0 ]; then
		echo "seed $seed: stress-rt ended with $rc"
		cat "$dir/run.out"
		failed=1
	fi
	set -- "$dir"/*.trace
	if [ -e "$1" ] && read_all "$@"; then
		rm -f "$@"
	elif [ -e "$1" ]; then
		echo "seed $seed: a trace is bad; all are kept in $dir"
		exit 1
	fi
	seed=$((seed + 1))
done
rm -rf "$dir"
echo "$runs runs, $traces traces${reader:+, $events events in them as Go counts them}"
exit $failed
