#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# go-traces.sh - the traces of testdata/go, which Go programs recorded: what trace-print --stacks makes of them is what Go's reader
# made of them when they were recorded, from a file, with one thread and with three, from a pipe, and from the raw text put together again.
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
print=$top_builddir/trace-print
from=$top_srcdir/testdata/go
bad=0 n=0

# is SUM COUNT NAME TRACE [THREADS]: the dump of TRACE is that one
is() {
	"$print" --stacks --threads "${5:-1}" "$4" >"$dir/dump" 2>"$dir/err"
	[ "$(sha256sum <"$dir/dump" | cut -d ' ' -f 1)" = "$1" ] && [ "$(wc -l <"$dir/dump")" -eq "$2" ] && [ ! -s "$dir/err" ] && return
	echo "$3: other events, or an error: $(cat "$dir/err")"
	bad=$((bad + 1))
}

while read -r sum count name; do
	n=$((n + 1))
	is "$sum" "$count" "$name" "$from/$name"
	is "$sum" "$count" "$name, three threads" "$from/$name" 3
	cat "$from/$name" | is "$sum" "$count" "$name, a pipe" -
	"$print" --raw "$from/$name" >"$dir/raw" || bad=$((bad + 1))
	sed 's/[[:blank:]].*//' "$dir/raw" >>"$dir/names"
	"$print" --assemble -o "$dir/again" "$dir/raw" || bad=$((bad + 1))
	is "$sum" "$count" "$name, assembled" "$dir/again"
done <"$from/SUMS"
[ "$n" -eq "$(ls "$from" | grep -c '\.trace$')" ] || { echo "SUMS has $n traces, the folder others"; bad=$((bad + 1)); }

# All events that Go's runtime has; it sweeps across a boundary between generations too rarely to wait for it.
sort -u "$dir/names" >"$dir/have"
for name in $(tr '\n' ' ' <"$top_srcdir/wire/events.def" | sed 's|/\*[^*]*\*/||g; s/WIRE_EVENT(/\n/g' |
	      sed -n 's/^[A-Z_0-9]*, [0-9]*, "\([A-Za-z]*\)".*/\1/p'); do
	grep -qxF "$name" "$dir/have" || [ "$name" = GCSweepActive ] || { echo "no trace has a $name"; bad=$((bad + 1)); }
done
echo "$n traces"
[ $bad -eq 0 ] && [ $n -gt 0 ]
