#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# completion.sh - bash completes the commands' options, all of them, their values, all of which the commands take, and file names.
command -v bash >/dev/null || exit 77
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
bad=0
fail() { echo "FAIL: $*"; bad=1; }
PATH=$bin:$PATH LC_ALL=C
export PATH LC_ALL
mkdir here && cd here || exit 99
cp "$src/testdata/go/123-all-1.trace" one.trace
cp one.trace 'two words.trace'
mkdir sub

# complete WORD...: what the last word can be completed to, sorted; as bash splits words, = is one.
complete()
{
	bash -c '
		. "$0"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_exectrace
		printf "%s\n" "${COMPREPLY[@]}"' "$src/completions/exectrace.bash" "$@" | sort
}

# is EXPECTED WORD...
is()
{
	want=$1
	shift
	got=$(complete "$@" | tr '\n' ' ' | sed 's/ $//')
	[ "$got" = "$want" ] || fail "$*: \"$got\", not \"$want\""
}

commands="trace-record trace-stat trace-cut trace-print"
[ ! -x "$bin/trace-pprof" ] || commands="$commands trace-pprof"
[ -x "$bin/trace-record" ] || commands=${commands#trace-record }
files="one.trace sub two words.trace"

for c in $commands; do
	# All that --help explains, and the function is this command's.
	"$c" --help | sed -n 's/^  *\(-.*\)/\1/p' | sed 's/  .*//' | grep -o -e '--[a-z-]*' | sort >../want
	complete "$c" -- >../got
	[ -s ../want ] && cmp -s ../want ../got || fail "$c --: $(diff ../want ../got)"
	bash -c '. "$0"; complete -p "$1"' "$src/completions/exectrace.bash" "$c" | grep -q -e '-F _exectrace ' || fail "$c is not completed"
	is --version "$c" --vers
	is "" "$c" --nonsense
	# The command's own path.
	is --version "$bin/$c" --vers
done
is "$files" trace-stat ""
is "$files" trace-stat --all ""
is "$files" trace-stat one.trace ""
is "two words.trace" trace-print -- tw
is "" trace-print -- --st
is "$files" trace-print -o ""
is "$files" trace-print --output = ""
is "$files" trace-print --output =
is "one.trace" trace-cut --output on
is "" trace-cut --from ""
is relative trace-print --time r
is relative trace-print --time = r
is "always auto never" trace-print --color =
is "$files" trace-print --color ""
is "TaskBegin TaskEnd" trace-print --kind Task
is "Log,TaskBegin Log,TaskEnd" trace-print --kind Log,Task
is "" trace-print --goroutine ""
is "generation goroutine" trace-stat --by g
is "waiting waiting_p50 waiting_p99" trace-stat --sort wa
if [ -x "$bin/trace-pprof" ]; then
	is "sched sync syscall" trace-pprof s
	is "net,sync net,syscall" trace-pprof net,sy
	is "$files" trace-pprof sync ""
	is "mutex" trace-pprof -n 3 m
	is "count" trace-pprof --sample c
	is "state,reason state,region" trace-pprof --label state,re
fi
if [ -x "$bin/trace-record" ]; then
	is trace-record trace-record trace-rec
	is "$files" trace-record cat ""
	is "" trace-record cat --vers
	is "trace-record" trace-record -o out --no-cpu -- trace-rec
fi

# Every value is one, and none is missing from --help or the manual.
words() { bash -c '. "$0"; _exectrace_words "$@"' "$src/completions/exectrace.bash" "$@"; }
takes() { "$@" >/dev/null 2>../err </dev/null || fail "$*: $(cat ../err)"; }
for w in $(words trace-print --time); do takes trace-print --time=$w "$src/testdata/go/126-all-1.trace"; done
for w in $(words trace-print --color); do takes trace-print --color=$w one.trace; done
for w in $(words trace-print --kind); do takes trace-print --kind=$w one.trace; done
for w in $(words trace-stat --by); do takes trace-stat --by $w one.trace; done
for w in $(words trace-stat --csv); do takes trace-stat --csv=$w one.trace; done
for w in $(words trace-stat --sort); do takes trace-stat --sort $w one.trace; done
if [ -x "$bin/trace-pprof" ]; then
	for w in $(words trace-pprof --sample); do takes trace-pprof sync --folded --sample $w one.trace; done
	for w in $(words trace-pprof --label); do takes trace-pprof sync --top --label $w one.trace; done
	for w in $(words trace-pprof operand); do takes trace-pprof $w one.trace; done
	trace-pprof --help | sed -n '/^TYPE is/,/^$/s/^  *\([a-z]*\)  .*/\1/p' | sort >../want
	words trace-pprof operand | tr ' ' '\n' | sort | cmp -s - ../want || fail "profile types: $(cat ../want)"
fi
trace-print "$src/testdata/go/126-all-1.trace" | cut -d ' ' -f 2 | sort -u >../kinds
words trace-print --kind | tr ' ' '\n' | sort | comm -13 - ../kinds | grep . && fail "kinds are missing"
words trace-stat --by | tr ' ' '\n' | sort >../got
trace-stat --by nonsense one.trace 2>&1 | sed -n "s/.*'nonsense': //p" | sed 's/,//g; s/ or / /' | tr ' ' '\n' | sort | cmp -s - ../got ||
	fail "--by: $(cat ../got)"
exit $bad
