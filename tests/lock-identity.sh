#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# A trace of ours says of each wait for a lock, and of the unlock that ends it, which lock that was, though all are taken at one place and
# given back at one; and a mutex profile tells them apart.
set -u
bin=$(cd "${top_builddir:-.}" && pwd)
[ -x "$bin/lock-identity" ] || exit 77
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
for procs in 1 2; do
	RTMAXPROCS=$procs EXECTRACE=file="$dir/trace" "$bin/lock-identity" || { echo "FAIL: it does not run"; exit 1; }
	"$bin/lock-identity" "$dir/trace" || { echo "FAIL: with $procs"; exit 1; }
	[ -n "${GO:-}" ] && [ -x "$bin/trace-pprof" ] || continue
	"$bin/trace-pprof" mutex --label lock -o "$dir/p" "$dir/trace" || exit 1
	n=$("$GO" tool pprof -raw "$dir/p" 2>/dev/null | grep -o 'lock:\[[0-9-]*\]' | sort -u | wc -l)
	[ "$n" -eq 4 ] || { echo "FAIL: $n locks in the profile"; exit 1; }
done
