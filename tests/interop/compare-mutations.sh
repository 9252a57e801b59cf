#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# compare-mutations.sh MUTATE-READ MUTATE MODE N SEED TRACE...: our reader and Go's on the same damaged traces.
#
# Prints the lines that differ, and exits 1 where there are any.  What makes Go's reader panic is left out.  See mutate-read.c
# for the arguments and for the verdict error*.
ours=$1 go=$2
shift 2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
"$ours" "$@" >"$dir/ours" || { echo "our reader failed" >&2; exit 1; }
"$go" "$@" >"$dir/go" || exit 1
paste -d ' ' "$dir/ours" "$dir/go" | awk '
	$10 == "panic" { panics++; next }
	$1 != $6 || $2 != $7 || $3 != $8 || $4 != $9 { print; bad++; next }
	$5 == "error*" && ($10 == "ok" || $10 == "error") { next }
	$5 != $10 { print; bad++ }
	END { printf "%d mutations, %d differ, %d panics of the peer\n", NR, bad, panics; exit bad > 0 || NR == 0 }'
