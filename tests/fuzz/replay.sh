#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Every fuzz target over the corpora in testdata/fuzz, and over some changes of each file.
#
# text/ holds traces in the raw text form, traces/ recorded ones and what once broke something, found/ what libFuzzer made of both
# to reach far, assemble/ hostile text, writer/ what drives the calls of fuzz-writer, cond/ conditions,
# cut/ traces behind eight bytes that say where fuzz-cut cuts them.  With the targets built for libFuzzer nothing
# is changed.
corpora=$top_srcdir/testdata/fuzz
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/traces" || exit 1
for text in "$corpora"/text/*.txt; do
	"$top_builddir/trace-print" --assemble -o "$dir/traces/$(basename "$text" .txt).trace" "$text" || exit 1
done
cp "$corpora"/traces/* "$corpora"/found/* "$dir/traces" || exit 1

run() {
	target=$1
	shift
	if "$top_builddir/$target" -help=1 2>&1 | grep -q max_total_time; then
		"$top_builddir/$target" "$@" >"$dir/log" 2>&1
	else
		"$top_builddir/$target" -m "${FUZZ_ROUNDS:-40}" "$@" >"$dir/log" 2>&1
	fi || { echo "$target:"; tail -n 30 "$dir/log"; exit 1; }
	echo "$target: $(tail -n 1 "$dir/log")"
}

run fuzz-reader "$dir"/traces/*
run fuzz-threads "$dir"/traces/*
FUZZ_ROUNDS=${FUZZ_ROUNDS:-10} run fuzz-paths "$dir"/traces/* "$top_srcdir"/testdata/go/*.trace
run fuzz-stream "$dir"/traces/*
[ ! -x "$top_builddir/fuzz-zstd" ] || run fuzz-zstd "$corpora"/zstd/*
run fuzz-raw "$dir"/traces/*
run fuzz-analysis "$dir"/traces/*
# As they are (HACKING.md).
FUZZ_ROUNDS=0 run fuzz-cut "$dir"/traces/* "$corpora"/cut/*
run fuzz-assemble "$corpora"/text/* "$corpora"/assemble/*
run fuzz-writer "$corpora"/writer/*
run fuzz-cond "$corpora"/cond/*
