#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Every command on what is no good trace: nothing, something else, older traces, a good one cut at every offset and with every byte
# changed (each fifth, or BAD_INPUT_STEP).
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
bad=0
fail() { echo "FAIL: $*"; bad=1; }

# tells FILE PATTERN: every command ends with 1 and one line, "COMMAND: FILE: " and what matches PATTERN; no output is left.
tells()
{
	for run in "trace-stat" "trace-stat --json" "trace-print" "trace-print --raw" "trace-print --stacks -o out" \
		"trace-cut -o out" "trace-pprof sync" "trace-pprof mutex -o out"; do
		command=${run%% *}
		[ -x "$bin/$command" ] || continue
		# shellcheck disable=SC2086
		"$bin/"$run "$1" >stdout 2>stderr </dev/null
		status=$?
		[ $status -eq 1 ] || fail "$run $1 exits $status"
		[ "$(wc -l <stderr)" -eq 1 ] && grep -q "^$command: $1: offset [0-9]*: $2" stderr ||
			fail "$run $1 says $(cat stderr)"
		[ ! -e out ] || { fail "$run $1 leaves a file"; rm -f out; }
	done
}

: >empty
mkdir folder
printf 'no trace at all, but long enough\n' >text
printf 'go 1.2' >header
head -c 100 /dev/zero >zeros
tells missing 'No such file'
tells empty 'the trace is empty'
tells folder 'Is a directory'
tells text 'not an execution trace'
tells zeros 'not an execution trace'
tells header 'the file header is cut off'
for version in 5 7 8 9 10 11 19 21 24 27 99; do
	printf 'go 1.%s trace\0\0\0\0\0\0\0' $version | head -c 16 >version
	printf '\1\1\1\1\1\1' >>version
	tells version "a trace of version 1.$version,"
done
ln -s loop loop
tells loop 'Too many levels of symbolic links'

# An output that cannot be written.
"$bin/trace-print" --assemble -o good "$src/testdata/fuzz/text/every-event-26.txt" || fail "assembling"
for run in "trace-print --raw -o" "trace-print -o" "trace-cut -o" "trace-pprof sched -o"; do
	[ -x "$bin/${run%% *}" ] || continue
	for to in /dev/full /nowhere/at/all; do
		# shellcheck disable=SC2086
		"$bin/"$run $to good >stdout 2>stderr
		[ $? -eq 1 ] && [ "$(grep -c "^${run%% *}: $to: " stderr)" -eq 1 ] || fail "$run $to says $(cat stderr)"
	done
done

mkdir work
cd work || exit 99
"$bin/bad-input" "$bin" "${BAD_INPUT_STEP:-5}" ../good "$src/testdata/fuzz/text/experiments-26.txt" || bad=1
exit $bad
