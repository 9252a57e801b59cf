#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# trace-cut's windows by what happened, its parts, and its pseudonyms, on a trace of a Go program and on one of ours.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
LC_ALL=C
export LC_ALL
bad=0
fail() { echo "FAIL: $*"; bad=1; }
go=$src/testdata/go/126-user-1.trace
"$bin/trace-print" --assemble "$src/testdata/locks-named.txt" >ours || fail "assembling"

# window SLICE: its window as two numbers.
window() { "$bin/trace-print" --raw "$1" | sed -n 's/.*data="exectrace:slice \([0-9]*\) \([-0-9]*\)[ "].*/\1 \2/p' | tail -n 1; }
# events TRACE FROM TO: what happened in the window; the end of a task that began before it has no name there.
events() { "$bin/trace-print" --stacks "$1" | awk -v from="$2" -v to="$3" '$1 >= from && $1 < to && $2 != "Sync" {
	if ($2 == "TaskEnd") { sub(/parent=[^ ]* type=[^ ]*/, "") } print }'; }
# same WHOLE SLICE: the slice is its window of the whole.
same()
{
	set -- "$1" "$2" $(window "$2")
	[ $# -eq 4 ] || { fail "$2 has no window"; return; }
	events "$1" "$3" "$4" >whole.events
	events "$2" "$3" "$4" >slice.events
	cmp -s whole.events slice.events || { fail "$2 is not its window"; diff whole.events slice.events | head -4; }
}
cutting()
{
	rm -f out out-*
	"$bin/trace-cut" -o out "$@" 2>err || { fail "trace-cut $*"; cat err; return 1; }
}

# A task and a region, from begin to end, and no more.
cutting --task 'outer 3' "$go" && {
	same "$go" out
	set -- $(window out)
	events out "$1" "$2" | sed -n '1p;$p' | awk '{ print $2 }' | tr '\n' ' ' | grep -q '^TaskBegin TaskEnd ' || fail "a task's ends"
	[ "$("$bin/trace-print" "$go" | awk '/type=outer.x203/ && $2 == "TaskBegin" { print $1 }')" = "$1" ] || fail "another task"
}
cutting --task 'outer*' --slowest 3 "$go" && {
	[ -e out-003 ] && [ ! -e out-004 ] && [ ! -e out ] || fail "three slowest tasks are $(ls out*)"
	length=$((1 << 62))
	for part in out-00?; do
		same "$go" $part
		set -- $(window $part)
		[ $(($2 - $1)) -le "$length" ] || fail "$part is longer than the one before"
		length=$(($2 - $1))
	done
}
# Only what lies in the window is picked: not the slowest task where that begins before it, or ends behind it.
cutting --task 'outer*' "$go" && {
	set -- $(window out)
	begins=$1 ends=$2
	cutting --task 'outer*' --from "@$((begins + 1))" "$go" && set -- $(window out) && { [ "$1" -gt "$begins" ] || fail "a task before the window"; }
	cutting --task 'outer*' --to "@$((ends - 1))" "$go" && set -- $(window out) && { [ "$2" -lt "$ends" ] || fail "a task behind the window"; }
}
cutting --region nested --margin 10us "$go" && {
	same "$go" out
	set -- $(window out)
	events out $(($1 + 10000)) $(($2 - 10000)) | sed -n '1p;$p' | awk '{ print $2 }' | tr '\n' ' ' |
		grep -q '^RegionBegin RegionEnd ' || fail "a region's ends"
}
cutting --task search ours && same ours out
cutting --region scan ours && same ours out

# Around what a condition is true of: the longest wait.
cutting --around 'blocked(sync)' --margin 0 "$go" && {
	same "$go" out
	set -- $(window out)
	events out "$1" "$2" | head -1 | grep -q 'from=Running to=Waiting reason=sync' || fail "a wait begins otherwise"
	events out "$1" "$2" | tail -1 | grep -q 'from=Waiting to=Runnable' || fail "a wait ends otherwise"
}
cutting --around 'stw' --slowest 2 "$go" && for part in out-00?; do
	same "$go" $part
done
cat "$go" | "$bin/trace-cut" -o piped --around 'stw' - && "$bin/trace-cut" -o unpiped --around 'stw' "$go" && cmp -s piped unpiped ||
	fail "a pipe"
rm -f piped

# Parts: each begins where the one before ended, and together they are the whole.
for how in 5 3ms 64K; do
	for trace in "$go" ours; do
		cutting --split $how $trace || continue
		[ -e out-001 ] || fail "no part of $how"
		: >all
		end=
		for part in out-*; do
			same $trace $part
			set -- $(window $part)
			[ -z "$end" ] || [ "$end" = "$1" ] || fail "$part begins at $1, not $end"
			end=$2
			[ "$2" = - ] && set -- "$1" $((1 << 62))
			events $part "$1" "$2" >>all
		done
		events $trace 0 $((1 << 62)) | cmp -s - all || fail "the parts of $how do not make up the whole"
	done
done
cutting --split 5 "$go"
[ "$(ls out-* | wc -l)" -eq 5 ] || fail "five parts are $(ls out-*)"
cutting --split 3ms --from 3ms --to 9ms "$go"
[ "$(ls out-* | wc -l)" -eq 2 ] || fail "six milliseconds in parts of three are $(ls out-*)"

# What experiments wrote: all of it, but not with pseudonyms, since there are names in it.
experiments() { "$bin/trace-print" --raw "$1" | sed -n '/^ExperimentalBatch/{s/ time=.*//;N;p;}'; }
for trace in "$src"/testdata/go/*-allocfree-1.trace; do
	[ -e "$trace" ] || continue
	cutting --from 1ms --to 2ms "$trace" || continue
	experiments "$trace" >whole.events
	[ -s whole.events ] || fail "$trace has no experiment"
	experiments out | cmp -s - whole.events || fail "the experiments of $trace"
	cutting --from 1ms --threads 3 "$trace" && experiments out | cmp -s - whole.events || fail "the experiments of $trace, with threads"
	# shellcheck disable=SC2002
	cat "$trace" | "$bin/trace-cut" -o out --from 1ms - && experiments out | cmp -s - whole.events || fail "the experiments of $trace from a pipe"
	cutting --anonymize "$trace" && [ -z "$(experiments out)" ] || fail "experiments with pseudonyms"
	cutting --split 3 "$trace" && for part in out-*; do
		experiments $part | cmp -s - whole.events || fail "the experiments of $part of $trace"
	done
done

# Pseudonyms: no name of functions, files and users is left in the bytes, all else stays.
strings_of() { "$bin/trace-print" --raw "$1" | sed -n 's/^\tdata="\(.*\)"$/\1/p' | sort -u; }
for trace in "$go" ours; do
	cutting --anonymize $trace || continue
	strings_of $trace | grep -v '^exectrace:' | grep -vE '^(runtime[./]|sync[./]|internal/|syscall\.|exrt_|pthread_)' >names
	# Reasons and kinds of stopped worlds are the runtime's.
	"$bin/trace-print" $trace | sed -n 's/.* reason=\([^ ]*\).*/\1/p;s/.*stop-the-world\\x20(\(.*\)) scope.*/\1/p' |
		sed 's/\\x20/ /g' | sort -u >reasons
	grep -vxFf reasons names | grep -E '^.{4}' >secret
	[ "$(wc -l <secret)" -ge 8 ] || fail "only $(wc -l <secret) names in $trace"
	while IFS= read -r name; do
		! grep -aqF -- "$name" out || fail "'$name' is still there"
	done <secret
	"$bin/trace-print" $trace | sed 's/ \(name\|type\|category\|message\|label\)=.*//' >was
	"$bin/trace-print" out | sed 's/ \(name\|type\|category\|message\|label\)=.*//' >is
	grep -v ' Sync ' was >a
	grep -v ' Sync ' is | cmp -s a - || fail "more than names has changed"
done
strings_of "$go" | grep -q '^main\.user' || fail "the trace has no main.user"
cutting --anonymize "$go" && "$bin/trace-print" --stacks out | grep -q 'runtime\.' || fail "the runtime is gone"
cutting --anonymize --keep main. "$go" && strings_of out | grep -q '^main\.user$' || fail "main.user is not kept"
[ "$(strings_of out | grep -c '/user')" -eq 0 ] || fail "files are kept"
cutting --anonymize ours
for secret in /etc pargrep search scan main.c worker; do
	! grep -aq -- $secret out || fail "$secret is still in ours"
done
# What recorders note of the machine gets another name, too.
for note in host process module; do
	! "$bin/trace-print" --raw ours | grep -q "exectrace:$note " || "$bin/trace-print" --raw out | grep "exectrace:$note " >notes ||
		fail "no $note is noted"
	! grep -vq ' name[0-9]' notes || fail "a $note has its name still: $(cat notes)"
done
# The same name gets the same one, and another another.
"$bin/trace-stat" --json "$go" >a.json
cutting --anonymize "$go" && "$bin/trace-stat" --json out >b.json
[ "$(grep -c begun a.json)" -eq "$(grep -c begun b.json)" ] || fail "types of tasks have become more or fewer"

# Every way to give a window, on both, from a file and from a pipe, with -q, with threads, and compressed.
"$bin/trace-cut" -z -o packed "$go" 2>/dev/null && zstd=yes || zstd=
slices=0
for trace in "$go" ours; do
	set -- $("$bin/trace-print" --time absolute "$trace" 2>/dev/null | awk 'NR == 1 { first = $1 } { last = $1 } END { printf "%.0f %.0f", first, last }')
	start=$1 third=$((($2 - $1) / 3))
	case $trace in
	ours) named='--task search|--region scan|--task search --margin 2us|--region * --slowest 2' ;;
	*) named='--task outer*|--region nested|--task outer* --margin 1ms --slowest 2|--region n?sted --slowest 4' ;;
	esac
	IFS='|'
	set -f
	# shellcheck disable=SC2086
	set -- $named "--from @$((start + third)) --to @$((start + 2 * third))" "--from ${third}ns" "--to ${third}ns" '--generation 2' '--generation ..2' \
		'--around waiting > 1us' '--around waiting > 1us --slowest 3 --margin 0' '--split 3' "--split ${third}ns" '--split 4K' \
		"--split 2 --from ${third}ns" --anonymize '--anonymize --keep s --keep main.'
	set +f
	for options in "$@"; do
		case $options in
		--around*) IFS='|' && condition=${options#--around } && rest=${condition#waiting > 1us} ;;
		*) condition= rest=$options ;;
		esac
		IFS=' '
		set -f
		# shellcheck disable=SC2086
		set -- ${condition:+--around "waiting > 1us"} $rest
		set +f
		rm -rf one two && mkdir one two
		"$bin/trace-cut" -o one/out "$@" "$trace" 2>err || { fail "trace-cut $* $trace: $(cat err)"; continue; }
		case $options in
		*--anonymize*) ;;
		*) for part in one/*; do
			same "$trace" "$part"
			slices=$((slices + 1))
		done ;;
		esac
		# shellcheck disable=SC2002
		cat "$trace" | "$bin/trace-cut" -q -o two/out "$@" - 2>err && [ ! -s err ] && diff -r one two >/dev/null || fail "trace-cut -q $* of $trace from a pipe: $(cat err)"
		rm -rf two && mkdir two
		"$bin/trace-cut" --threads 2 -o two/out "$@" "$trace" && diff -r one two >/dev/null || fail "trace-cut --threads 2 $* of $trace"
		[ -n "$zstd" ] || continue
		rm -rf two && mkdir two
		"$bin/trace-cut" -z1 -o two/out "$@" "$trace" || fail "trace-cut -z1 $* of $trace"
		for part in one/*; do
			"$bin/trace-print" --stacks "two/${part#one/}" >slice.events
			"$bin/trace-print" --stacks "$part" | cmp -s - slice.events || fail "trace-cut -z1 $* of $trace: ${part#one/} is another"
		done
		# Of a compressed trace, thoroughly: the same as of one that is not.
		"$bin/trace-cut" -z -o packed "$trace" && rm -rf two && mkdir two && "$bin/trace-cut" --thorough -o two/out "$@" packed || fail "trace-cut --thorough $* of $trace"
		for part in one/*; do
			"$bin/trace-print" "two/${part#one/}" | grep -v -e ' Sync ' -e 'from=Undetermined' >slice.events
			"$bin/trace-print" "$part" | grep -v -e ' Sync ' -e 'from=Undetermined' | cmp -s - slice.events ||
				fail "trace-cut --thorough $* of $trace, compressed: ${part#one/} is another"
		done
	done
done
unset IFS
[ $slices -gt 40 ] || fail "only $slices slices"
# What is picked in ours is what it should be.
cutting --around 'blocked(sync)' --margin 0 ours && {
	set -- $(window out)
	events out "$1" "$2" | head -1 | grep -q 'from=Running to=Waiting reason=sync' || fail "a wait of ours begins otherwise"
	length=$(($2 - $1))
	cutting --around 'blocked(sync)' --margin 1us ours && set -- $(window out) &&
		[ $(($2 - $1)) -gt "$length" ] && [ $(($2 - $1)) -le $((length + 2000)) ] || fail "a margin of ours is $(($2 - $1 - length))"
}
cutting --anonymize --keep sear ours && strings_of out | grep -q '^search$' && ! strings_of out | grep -q '^scan$' || fail "what --keep keeps of ours"

# What a slice notes of the time before it is what trace-stat tells: a task's type and whole time.
ends=$("$bin/trace-print" "$go" | awk '$2 == "TaskEnd" && /type=outer.x203/ { print $1 }')
cutting --from "@$((ends - 1000))" "$go" && {
	"$bin/trace-stat" "$go" | grep 'outer 3' | awk '{ print $3 }' >a
	"$bin/trace-stat" out | grep 'outer 3' | awk '{ print $3 }' >b
	[ -s a ] && cmp -s a b || fail "the time of a task that began before the slice"
	"$bin/trace-print" --raw out | grep -q 'data="exectrace:goroutine 1 [0-9]* runtime.main\|data="exectrace:goroutine 1 [0-9]* [^ ]* ' ||
		fail "no goroutine is noted"
}

# A slice whose note tells of a window before all that it has: there is nothing to part.
for how in 1K 100 2ms; do
	timeout 60 "$bin/trace-cut" -o none --split $how "$src/testdata/slice-behind-its-window.trace" 2>err
	[ $? -eq 1 ] && grep -q 'nothing lies in the window' err || fail "--split $how of a window with nothing in it says $(cat err)"
done

for usage in '--slowest 3' '--margin 1s' '--task a --region b' '--task a --split 3' '--split 0' '--split 3x' '--around nonsense' \
	'--keep a' '--slowest 0 --task a' '--split 2 --generation 1'; do
	"$bin/trace-cut" -o out $usage "$go" 2>err
	[ $? -eq 2 ] || fail "$usage is not wrong usage"
done
"$bin/trace-cut" -o none --task nosuch "$go" 2>err
[ $? -eq 1 ] && grep -q 'nothing that --task asks for' err && [ ! -e none ] || fail "a task that is not there"
exit $bad
