#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# remake.sh - records testdata/go anew with the Go toolchains, and what Go's reader says of it.
#
# SUMS has a line for each trace: the SHA-256 of what godump -stacks prints, the number of events, the name.
# Wants $GO, and that all toolchains can be had.
set -eu
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
. "$top_srcdir/tests/interop/peers.sh"
to=$top_srcdir/testdata/go
build_peers
mkdir -p "$to"

# How long a kind takes to become about 10 to 50 kB, in milliseconds.
length() {
	case $1 in
	web | gc | coro | allocfree | all) echo 1 ;;
	cpu) echo 60 ;;
	user) echo 12 ;;
	flight | loop) echo 20 ;;
	many) echo 15 ;;
	*) echo 5 ;;
	esac
}

# one TOOLCHAIN VERSION KIND: its traces, again where one of them is too large, or not all that Go's reader takes
one() {
	for try in 1 2 3 4 5 6 7 8 9 10; do
		rm -f "$dir"/trace*
		"$bin/record-$1" "$3" "$dir/trace" "$(length "$3")"
		[ -z "$(find "$dir" -name 'trace*' -size +80k)" ] || continue
		"$bin/godump" "$dir"/trace* >/dev/null 2>&1 || continue
		n=1
		for trace in "$dir"/trace "$dir"/trace.[23]; do
			[ ! -f "$trace" ] || mv "$trace" "$to/$2-$3-$n.trace"
			n=$((n + 1))
		done
		return
	done
	echo "$1 $3: always too large, or refused" >&2
	return 1
}

rm -f "$to"/*.trace
for toolchain in local $EXECTRACE_TOOLCHAINS; do
	build_record "$toolchain" || { cat "$dir/build"; exit 1; }
	version=$(cd "$top_srcdir/tests/interop" && GOTOOLCHAIN=$toolchain "$GO" env GOVERSION | sed 's/^go1\.\([0-9]*\).*/1\1/')
	for what in $("$bin/record-$toolchain"); do
		one "$toolchain" "$version" "$what"
	done
done
for trace in "$to"/*.trace; do
	"$bin/godump" -stacks "$trace" >"$dir/dump"
	echo "$(sha256sum <"$dir/dump" | cut -d ' ' -f 1) $(wc -l <"$dir/dump") $(basename "$trace")"
done >"$dir/sums"
mv "$dir/sums" "$to/SUMS"
du -sb "$to"
