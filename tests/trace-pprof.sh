#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# What trace-pprof's options do, on a trace of Go and on one of ours: merging, differences, labels, filters, folded stacks, flame
# graphs, and what readers of profiles demand of a file.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
pprof=$bin/trace-pprof
[ -x "$pprof" ] || { echo "trace-pprof is not built"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
bad=0
fail() { echo "FAIL: $*"; bad=1; }

"$bin/trace-print" --assemble "$src/testdata/locks-named.txt" >ours || fail "assembling"
cp "$src/testdata/go/126-all-1.trace" go || exit 99
cp "$src/testdata/go/126-user-1.trace" user || exit 99

# total TYPE ARGUMENT...: "COUNT NS" of a profile, from its folded stacks.
total()
{
	for what in count time; do
		"$pprof" "$@" --folded --sample $what | awk '{ sum += $NF } END { printf "%d ", sum }'
	done
}

# is WHAT EXPECTED...: the total of TYPE and so on, in $got.
is() { [ "$2" = "$3" ] || fail "$1: $3, not $2"; }

is "folded, ours" "2 18000 " "$(total mutex ours)"
[ "$("$pprof" mutex --folded ours)" = "main;exrt_mutex_unlock 13000
worker;exrt_mutex_unlock 5000" ] || fail "folded stacks: $("$pprof" mutex --folded ours)"

for t in ours go; do
	set -- $(total sync $t)
	[ "$1" -gt 0 ] && [ "$2" -gt 0 ] || fail "nothing in $t"
	# Merged, and a difference from itself.
	is "$t twice" "$((2 * $1)) $((2 * $2)) " "$(total sync $t $t)"
	is "$t without $t" "0 0 " "$(total sync $t --base $t)"
	is "$t without $t and $t" "$((-$1)) $((-$2)) " "$(total sync $t --base $t --base $t)"
	# The table and the files say the same.
	"$pprof" sync --top -n 0 $t | head -n 1 | grep -q "^sync: $1 contentions, " || fail "--top of $t"
	"$pprof" sync --folded -o folded $t && "$pprof" sync --folded $t | cmp -s - folded || fail "--folded -o of $t"
	# Windows: the parts' times make up the whole's, and so do goroutines.
	set -- "$(total sync $t | cut -d' ' -f2)"
	first=$(total sync $t --to 100us | cut -d' ' -f2)
	second=$(total sync $t --from 100us | cut -d' ' -f2)
	is "windows of $t" "$1" $((first + second))
	low=$(total sync $t --goroutine ..2 | cut -d' ' -f2)
	high=$(total sync $t --goroutine 3.. | cut -d' ' -f2)
	is "goroutines of $t" "$1" $((low + high))
	long=$(total sync $t --where 'blocked > 8us' | cut -d' ' -f2)
	short=$(total sync $t --where 'blocked <= 8us' | cut -d' ' -f2)
	is "conditions of $t" "$1" $((long + short))
	for type in net syscall sched block mutex cpu wall; do
		"$pprof" $type -o p.gz $t && gzip -t p.gz || fail "$type of $t"
	done
done
is "a wait of another's, ours" "1 7000 " "$(total sync ours --goroutine 2)"
is "a window within, ours" "2 8000 " "$(total sync ours --from @5000 --to @9000)"
is "the holder's part in a window, ours" "2 8000 " "$(total mutex ours --from @5000 --to @9000)"
is "one waiter's part, ours" "1 11000 " "$(total mutex ours --goroutine 3)"
is "long waits only, ours" "1 11000 " "$(total mutex ours --where 'blocked > 8us')"
is "where they started, ours" "2 18000 " "$(total sync ours --function '^worker$')"
is "where nobody started" "0 0 " "$(total sync ours --function '^nobody$')"
[ -n "$("$pprof" sched --folded go --function 'main\.')" ] || fail "--function on Go's trace"
"$pprof" sync --folded go --function nothing | grep -q . && fail "--function takes all"

# Flame graphs: well formed, escaped, complete.
for t in ours go; do
	"$pprof" wall --svg fg.svg $t || fail "--svg of $t"
	"$pprof" wall --svg - $t | cmp -s - fg.svg || fail "--svg - of $t"
	awk '{ o += gsub(/<svg[ >]/, ""); c += gsub(/<\/svg>/, "") } END { exit !(o == c && o > 3) }' fg.svg || fail "$t: boxes are not closed"
	sed '/<script>/,/<\/script>/d' fg.svg | grep -q '&[^a-z]' && fail "$t: a bare &"
	# Every function of a stack worth a box is there.
	"$pprof" wall --folded $t | sort -k2 -n | tail -n 1 | sed 's/ [^ ]*$//; s/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g' | tr ';' '\n' |
		while read -r f; do
			grep -qF "<title>$f" fg.svg || echo "$f"
		done >missing
	[ ! -s missing ] || fail "$t: no box for $(cat missing)"
done
sed 's/data="worker"/data="<b>\&;>"/' "$src/testdata/locks-named.txt" >odd.txt
"$bin/trace-print" --assemble odd.txt >odd || fail "assembling an odd name"
"$pprof" sync --svg odd.svg odd && ! grep -q '<b>' odd.svg && grep -q '&lt;b&gt;&amp;;&gt;' odd.svg || fail "a function's name is not escaped"
"$pprof" sync --svg d.svg --base ours ours && grep -q 'as compared' d.svg || fail "a flame graph of a difference"

# Wrong usage.
for args in 'sync --sample nothing go' 'sync --label nothing go' 'sync,net --folded go' 'sync,net --svg x go' 'sync -o - --top go' \
	'sync --folded --svg - go' 'sync --from never go' 'sync --function ( go'; do
	"$pprof" $args >/dev/null 2>err
	[ $? -eq 2 ] || fail "$args is taken"
done
"$pprof" sync --base missing -o p.gz go 2>err
[ $? -eq 1 ] && grep -q '^trace-pprof: missing: ' err || fail "a base that is missing"
rm -f p.gz
"$pprof" sync --base missing -o p.gz go 2>/dev/null
[ ! -e p.gz ] || fail "half a difference is written"

[ -n "${GO:-}" ] || exit $bad

# raw TYPE ARGUMENT...: what pprof reads from the file.
raw()
{
	"$pprof" "$@" -o p.gz && "$GO" tool pprof -raw p.gz 2>/dev/null
}

# Labels: each is there when asked for, and only then.
raw sync ours --label none | grep -Eq 'state:|reason:' && fail "labels in spite of none"
raw sync ours | grep -q 'reason:\[sync\]' || fail "no reason"
raw sync ours --label goroutine | grep -q 'goroutine:\[3\]' || fail "no goroutine"
raw sync ours --label thread | grep -q 'thread:\[' || fail "no thread"
raw mutex ours --label lock | grep -q 'lock:\[16\]' || fail "no lock"
raw cpu ours | grep -q 'goroutine:\[' || fail "no goroutine at CPU samples"
raw wall user --label region,task | grep -q 'region:\[' || fail "no region in Go's trace"
raw wall user --label region,task | grep -q 'task:\[' || fail "no task in Go's trace"
raw sync go --label goroutine,state | grep -q 'state:\[Waiting\]' || fail "no state in Go's trace"

# What pprof, Pyroscope and Parca demand of a file.
(cd "$src/tests/interop" && GOFLAGS=-mod=readonly "$GO" build -o "$dir/checkpprof" ./cmd/checkpprof) 2>log || { cat log; exit 77; }
for t in ours go user; do
	for type in net sync syscall sched block mutex cpu wall; do
		"$pprof" $type -o p.gz --label all $t || fail "$type of $t"
		./checkpprof p.gz || fail "$type of $t is not as readers want it"
	done
done
"$pprof" sync -o p.gz ours --base go && ./checkpprof -negative p.gz || fail "a difference"
"$GO" tool pprof -top p.gz >/dev/null 2>&1 && "$GO" tool pprof -traces p.gz >/dev/null 2>&1 || fail "pprof on a difference"

# The pages that pprof serves; it picks a free port and tells which.
command -v curl >/dev/null || exit $bad
"$pprof" sync -o p.gz go || fail "sync of go"
"$GO" tool -n pprof >tool 2>/dev/null && [ -x "$(cat tool)" ] || exit $bad
: >served
"$(cat tool)" -http=localhost: -no_browser p.gz >served 2>&1 &
server=$!
tries=0
until url=$(sed -n 's/^Serving web UI on //p' served) && [ -n "$url" ] && curl -s -o page "$url/ui/"; do
	tries=$((tries + 1))
	kill -0 $server 2>/dev/null && [ $tries -lt 600 ] || break
	sleep 0.1
done
for page in ui/ ui/top ui/flamegraph; do
	[ "$(curl -s -o page -w '%{http_code}' -L "$url/$page")" = 200 ] && grep -q 'sync.(\*WaitGroup).Wait' page ||
		{ fail "pprof's page $page"; cat served; }
done
kill $server 2>/dev/null
wait $server 2>/dev/null
exit $bad
