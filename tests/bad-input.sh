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
fail() { echo "FAIL: $*"; : >"$dir/failed"; }	# also from a pipe

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
tells text 'not an execution trace but text: "no trace at all, but long enough"$'
tells zeros 'not an execution trace$'
tells header 'the file header is cut off'

# Versions that are not read, by name: with the rest of a real trace of the old format, which Go 1.21 recorded.
for version in 5 7 8 9 10 11 19 21 24 27 99; do
	printf 'go 1.%s trace\0\0\0\0\0\0\0' $version | head -c 16 >version
	printf 'A\0\324\320\217\363\276\016\315\004\005\001\002\001\315\005\214\001\002\003\001_\006\002\315\004\032' >>version
	what="in the format before Go 1.22: build the program with Go 1.22 or later and record it again"
	case $version in
	11) what="in the old format of Go 1.11 to 1.18: build the program with Go 1.22 or later and record it again" ;;
	19) what="in the old format of Go 1.19 or 1.20: build the program with Go 1.22 or later and record it again" ;;
	24) what="where those of 1.22, 1.23, 1.25 and 1.26 are known$" ;;
	27 | 99) what="where those of 1.22, 1.23, 1.25 and 1.26 are known: a newer exectrace may read it$" ;;
	esac
	tells version "a \"go 1.$version trace\", $what"
done

# What is obviously something else is called by its name.
something() {
	cat >else
	tells else "not an execution trace but$1"
}
gzip -c text | something ' gzip-compressed data: decompress it first (gzip -d)'
printf '\3757zXZ\0and so on, for some time' | something ' xz-compressed data: decompress it first (xz -d)'
printf 'BZh91AY and so on, for some time' | something ' bzip2-compressed data: decompress it first (bzip2 -d)'
printf '\004\042\115\030 and so on, for some time' | something ' lz4-compressed data: decompress it first (lz4 -d)'
printf 'PK\003\004' | something ' a zip archive: unpack it first'
printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0' | something ' an ELF file: a program, a library or a core dump'
printf 'PERFILE2h\0\0\0\0\0\0\0' | something ' a recording of perf'
printf '\301\037\374\301 and so on, for some time' | something ' a trace in the Common Trace Format'
printf '\n\004\010\001\020\002\n\004\010\003\020\004\022\010\n\002\001\002' | something ', it seems, a pprof profile$'
printf '\n<!DOCTYPE html>\n<html>' | something ' an HTML page: a server gives a trace at /debug/pprof/trace'
printf '<html>' | something ' an HTML page: a server gives a trace at /debug/pprof/trace'
printf '404 page not found\n' | something ' text: "404 page not found"$'
printf '{"traceEvents":[]}' | something ', it seems, JSON'
printf 'Trace Go1.23\nEventBatch' | something ' the raw text form of one: trace-print --assemble makes a trace of it$'
[ ! -x "$bin/trace-pprof" ] || {
	"$bin/trace-print" --assemble -o good "$src/testdata/fuzz/text/every-event-26.txt" &&
	"$bin/trace-pprof" sched -o profile good && gzip -dc profile | something ', it seems, a pprof profile$'
}
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
[ ! -e "$dir/failed" ] && exit $bad
