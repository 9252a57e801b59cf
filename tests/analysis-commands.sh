#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What trace-stat, trace-cut and trace-pprof print for small traces, how they take wrong usage, and damage.
#
# UPDATE=1 writes the expected output anew: look at the difference.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
expected=$src/testdata/expected
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
LC_ALL=C COLUMNS=100
export LC_ALL COLUMNS
bad=0
fail() { echo "FAIL: $*"; bad=1; }

# same NAME FILE: FILE is what is expected under NAME.
same()
{
	[ -z "${UPDATE:-}" ] || cp "$2" "$expected/$1"
	cmp -s "$expected/$1" "$2" || { fail "$1"; diff -u "$expected/$1" "$2" | head -20; }
}

# exits STATUS COMMAND...: with output in out and messages in err.
exits()
{
	want=$1
	shift
	"$@" >out 2>err </dev/null
	got=$?
	[ $got -eq "$want" ] || { fail "$* exits $got, not $want"; cat err; return 1; }
}

commands="trace-stat trace-cut"
[ ! -x "$bin/trace-pprof" ] || commands="$commands trace-pprof"

# run COMMAND TRACE: in its plainest form; a slice goes to the file slice.
run()
{
	case $1 in
	trace-stat) "$bin/trace-stat" "$2" ;;
	trace-cut) rm -f slice; "$bin/trace-cut" -o slice "$2" ;;
	trace-pprof) "$bin/trace-pprof" sync "$2" ;;
	esac
}

for t in locks-named locks-unnamed; do
	"$bin/trace-print" --assemble "$src/testdata/$t.txt" >$t.trace || fail "assembling $t"
	exits 0 "$bin/trace-stat" --json $t.trace && same $t.json out
	exits 0 "$bin/trace-stat" $t.trace && same $t.stat out
	[ ! -x "$bin/trace-pprof" ] || {
		exits 0 "$bin/trace-pprof" mutex,block,net,sync,syscall,sched,cpu,wall $t.trace && same $t.top out
	}
done

# Several traces, standard input.
exits 0 "$bin/trace-stat" --json locks-named.trace locks-unnamed.trace
[ "$(grep -c '"file"' out)" -eq 2 ] || fail "two traces, but not two objects"
"$bin/trace-stat" --json - <locks-named.trace >out || fail "trace-stat -"
sed 's/"file": "-"/"file": "locks-named.trace"/' out | cmp -s - "$expected/locks-named.json" || fail "trace-stat - differs"
cat locks-named.trace | "$bin/trace-stat" --json - | sed 's/"file": "-"/"file": "locks-named.trace"/' |
	cmp -s - "$expected/locks-named.json" || fail "a pipe differs"

# Slices, from pipes too; tests/trace-cut.sh looks into them.
exits 0 "$bin/trace-cut" -o first --generation 1 locks-named.trace
exits 0 "$bin/trace-cut" -o second --from 40us locks-named.trace
exits 0 "$bin/trace-cut" -o piped --generation 2 locks-named.trace
cat locks-named.trace | "$bin/trace-cut" -o - --generation 2 - | cmp -s - piped || fail "a slice through pipes"
for window in '--from 1h' '--to @5' '--from 2us --to 1us' '--generation 3' '--generation 2 --to 10us'; do
	exits 1 "$bin/trace-cut" -o none $window locks-named.trace
	[ ! -e none ] || { fail "$window leaves a file"; rm -f none; }
	grep -q '^trace-cut: locks-named.trace: nothing' err || { fail "$window says:"; cat err; }
done
exits 1 "$bin/trace-cut" -o none --from 2026-01-01T00:00:00Z locks-unnamed.trace

# Profiles as files.
if [ -x "$bin/trace-pprof" ]; then
	exits 0 "$bin/trace-pprof" mutex -o mutex.pb.gz locks-named.trace
	gzip -t mutex.pb.gz || fail "a profile is no gzip file"
	"$bin/trace-pprof" mutex -o - locks-named.trace | cmp -s - mutex.pb.gz || fail "trace-pprof -o - differs"
	if [ -n "${GO:-}" ]; then
		"$GO" tool pprof -raw mutex.pb.gz >raw 2>/dev/null || fail "go tool pprof"
		grep -q 'contentions/count delay/nanoseconds' raw || fail "sample types"
		grep -q '^ *1 *13000:' raw || fail "main's contention is missing in pprof"
		grep -q '^ *1 *5000:' raw || fail "the worker's contention is missing in pprof"
		grep -q '/usr/bin/pargrep 0123abcd' raw || fail "the program's mapping is missing in pprof"
		"$GO" tool pprof -top mutex.pb.gz 2>/dev/null | grep -q '100%.*exrt_mutex_unlock' || fail "go tool pprof -top"
	fi
fi

# Wrong usage.
exits 2 "$bin/trace-stat"
exits 2 "$bin/trace-stat" --nonsense locks-named.trace
exits 2 "$bin/trace-cut" locks-named.trace
exits 2 "$bin/trace-cut" -o x
exits 2 "$bin/trace-cut" -o x --from yesterday locks-named.trace
exits 2 "$bin/trace-cut" -o x --generation 5..2 locks-named.trace
exits 2 "$bin/trace-cut" -o x locks-named.trace locks-named.trace
if [ -x "$bin/trace-pprof" ]; then
	exits 2 "$bin/trace-pprof"
	exits 2 "$bin/trace-pprof" mutex
	exits 2 "$bin/trace-pprof" nonsense locks-named.trace
	exits 2 "$bin/trace-pprof" mutex,sync -o x locks-named.trace
	exits 2 "$bin/trace-pprof" mutex -n x locks-named.trace
fi
for c in $commands; do
	exits 0 "$bin/$c" --help && grep -q "^Usage: $c " out || fail "$c --help"
	exits 0 "$bin/$c" --version && grep -q "^$c " out || fail "$c --version"
done

# told COMMAND TRACE: fails, and says where and why in one line.
told()
{
	exits 1 run "$1" "$2" || return
	[ "$(grep -c "^$1: $2: offset [0-9]*: ." err)" -eq 1 ] || { fail "$1 $2 says:"; cat err; }
}

: >empty
mkdir folder
printf 'not a trace at all, really\n' >text
printf 'go 1.24 trace\0\0\0' >version
head -c 10 locks-named.trace >header
head -c 700 locks-named.trace >truncated
# 255 for the type of the first event.
{ head -c 24 locks-named.trace; printf '\377'; tail -c +26 locks-named.trace; } >flipped
size=$(wc -c <locks-named.trace)
# Within the second generation.
head -c $((size - 600)) locks-named.trace >half
for c in $commands; do
	for t in missing empty folder text version header truncated flipped half; do
		told $c $t
	done
done
exits 1 "$bin/trace-stat" --json half
grep -q '"generations": 1,' out && grep -q '"error": {' out && grep -q '"generation": 2,' out ||
	{ fail "what stands before the damage is not told"; cat out; }
run trace-cut half 2>/dev/null
"$bin/trace-stat" slice >/dev/null || fail "the good generation is not cut"
rm -f slice
run trace-cut truncated 2>/dev/null
[ ! -e slice ] || fail "a slice of nothing"

# Cut short anywhere, or a byte changed anywhere: an exit of 0 or 1, and a message with each 1.
position=0
while [ $position -lt "$size" ]; do
	head -c $position locks-named.trace >damaged.short
	{ head -c $position locks-named.trace; printf '\245'; tail -c +$((position + 2)) locks-named.trace; } >damaged.byte
	for t in damaged.short damaged.byte; do
		for c in $commands; do
			run $c $t >out 2>err </dev/null
			case $? in
			0) [ ! -s err ] || fail "$c $t at $position is quiet about its message" ;;
			1) grep -q "^$c: $t: " err || fail "$c $t at $position says nothing" ;;
			*) fail "$c $t at $position dies" ;;
			esac
		done
		[ ! -e slice ] || "$bin/trace-stat" slice >out 2>err || fail "a bad slice of $t at $position"
	done
	position=$((position + 41))
done
exit $bad
