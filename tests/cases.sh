#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# cases.sh - every reader case in testdata/ and, where it is, in the conformance folder: its text is assembled, printed raw and
# assembled again to the same bytes; reading gives the verdict that the case expects, and, where there is a NAME.dump beside it,
# those events.  UPDATE=1 writes the dumps that there are anew.
print=$top_builddir/trace-print
shared=${EXECTRACE_SHARED:-$top_srcdir/../shared}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
bad=0 n=0

complain() {
	echo "$1: $2" >&2
	bad=$((bad + 1))
}

one() {
	expect=$(sed -n 's/^\(SUCCESS\|FAILURE\).*/\1/p' "$1" | head -n 1)
	[ -n "$expect" ] || { complain "$1" "no verdict"; return; }
	sed '1,/^-- trace --/d' "$1" >"$dir/text"
	"$print" --assemble -o "$dir/trace" "$dir/text" || { complain "$1" "does not assemble"; return; }
	# What cannot be decoded cannot be printed raw either; everything else comes back.
	if "$print" --raw "$dir/trace" >"$dir/raw" 2>/dev/null; then
		"$print" --assemble - <"$dir/raw" | cmp - "$dir/trace" || complain "$1" "raw text and back gives other bytes"
	else
		complain "$1" "cannot be printed raw"
	fi
	if "$print" --stacks "$dir/trace" >"$dir/dump" 2>"$dir/err"; then
		[ "$expect" = SUCCESS ] || complain "$1" "was read, but is broken"
		[ ! -s "$dir/err" ] || complain "$1" "was read, with complaints"
	else
		[ "$expect" = FAILURE ] || complain "$1" "was not read: $(cat "$dir/err")"
		grep -Eq "^trace-print: $dir/trace: offset [0-9]+: ." "$dir/err" || complain "$1" "error without an offset"
	fi
	"$print" --stacks - <"$dir/trace" 2>/dev/null | cmp - "$dir/dump" || complain "$1" "differs when read by name"
	cat "$dir/trace" | "$print" --stacks - 2>/dev/null | cmp - "$dir/dump" || complain "$1" "differs when read from a pipe"
	golden=${1%.test}.dump
	if [ -f "$golden" ]; then
		[ -z "${UPDATE:-}" ] || cp "$dir/dump" "$golden"
		cmp "$golden" "$dir/dump" || complain "$1" "other events than in $golden"
	fi
	n=$((n + 1))
}

for case in "$top_srcdir"/testdata/*.test "$shared"/conformance/*.test; do
	[ ! -f "$case" ] || one "$case"
done
[ $n -ge 15 ] || complain cases.sh "only $n cases were found"
echo "$n cases, $bad complaints"
[ $bad -eq 0 ]
