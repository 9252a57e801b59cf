#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# compressed.sh - the commands on compressed traces: what they say is what they say of the traces unpacked.  Skipped without zstd(1),
# or where the commands were built without it.
command -v zstd >/dev/null || exit 77
grep -q '^ZSTD_LIBS = .*zstd' "$top_builddir/Makefile" || exit 77
bin=$top_builddir
go=$top_srcdir/testdata/go
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
bad=0
fail() { echo "FAIL: $*"; bad=1; }

# same FILE PLAIN: their dumps, from the file and through a pipe
same() {
	"$bin/trace-print" --stacks "$2" >"$dir/want" 2>&1
	"$bin/trace-print" --stacks "$1" >"$dir/got" 2>&1
	cmp -s "$dir/want" "$dir/got" || fail "$1 and $2 differ"
	"$bin/trace-print" --stacks - <"$1" >"$dir/got" 2>&1
	cmp -s "$dir/want" "$dir/got" || fail "$1 through a pipe and $2 differ"
}

for name in 122-cpu-1 123-all-1 125-web-1 126-cpu-1; do
	plain=$go/$name.trace
	# zstd's own, a window larger than usual, frames of any size with skippable ones between them as pzstd writes them.
	zstd -q -c "$plain" >"$dir/one.zst"
	same "$dir/one.zst" "$plain"
	zstd -q -19 --long=27 -c "$plain" >"$dir/long.zst"
	same "$dir/long.zst" "$plain"
	split -b 5000 "$plain" "$dir/part."
	for part in "$dir"/part.*; do
		printf '\120\052\115\030\004\0\0\0size'
		zstd -q -c "$part"
	done >"$dir/many.zst"
	rm "$dir"/part.*
	same "$dir/many.zst" "$plain"

	# Ours: zstd takes it, and unpacked it is the slice that is not compressed.
	"$bin/trace-cut" -o "$dir/slice" "$plain" || fail "trace-cut"
	for option in -z -z9 --compress=1; do
		"$bin/trace-cut" $option -o "$dir/slice.z" "$plain" || fail "trace-cut $option"
		zstd -q -d <"$dir/slice.z" | cmp -s - "$dir/slice" || fail "trace-cut $option: unpacked it is another"
	done
	"$bin/trace-cut" -o "$dir/slice.zst" "$plain" || fail "trace-cut to .zst"
	zstd -q -t "$dir/slice.zst" || fail "zstd -t"
	same "$dir/slice.zst" "$dir/slice"
	"$bin/trace-cut" -z0 -o "$dir/none.zst" "$dir/slice.zst" || fail "trace-cut -z0"
	[ "$(head -c 4 "$dir/none.zst")" = "go 1" ] || fail "-z0 compresses"
	"$bin/trace-cut" -z -o - "$plain" | zstd -q -d | cmp -s - "$dir/slice" || fail "to standard output"
	for command in trace-stat "trace-stat --json" "trace-pprof sync --top"; do
		[ -x "$bin/${command%% *}" ] || continue
		# shellcheck disable=SC2086
		(cd "$dir" && cp slice.zst it && "$bin/"$command it >got 2>&1 && cp slice it && "$bin/"$command it >want 2>&1)
		cmp -s "$dir/got" "$dir/want" || fail "$command tells other things of $name compressed"
	done
done

# What cannot be read says where, in the trace and in the file.
head -c 3000 "$dir/one.zst" >"$dir/cut.zst"
"$bin/trace-stat" "$dir/cut.zst" >/dev/null 2>"$dir/err" && fail "a cut file is good"
grep -q '^trace-stat: .*: offset [0-9]*: .*cut off at byte 3000' "$dir/err" || fail "it says $(cat "$dir/err")"
printf '\050\265\057\375\000\250\001\0\0' >"$dir/window.zst"
"$bin/trace-print" "$dir/window.zst" 2>"$dir/err" && fail "a window of 2 GiB is taken"
grep -q 'window of more than 128 MiB' "$dir/err" || fail "it says $(cat "$dir/err")"
[ "$("$bin/trace-cut" -z20 -o "$dir/x" "$go/123-all-1.trace" 2>/dev/null; echo $?)" = 2 ] || fail "-z20 is no usage error"
"$bin/trace-cut" -z -o /dev/full "$go/123-all-1.trace" 2>"$dir/err"
[ $? = 1 ] && [ "$(grep -c '/dev/full: No space left' "$dir/err")" = 1 ] || fail "a full disk: $(cat "$dir/err")"
exit $bad
