#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The manual pages are well-formed, and exectrace(5) has every timed event of the event table with its number and arguments.
set -u
src=${top_srcdir:-.}
bad=0

# The table, an event a line: number, name, arguments after dt.
{ tr '\n' ' ' <"$src/wire/events.def"; echo; } | sed 's|/\*[^*]*\*/||g; s/WIRE_EVENT(/\n/g' |
sed -n 's/^[A-Z_0-9]*, \([0-9]*\), "\([A-Za-z]*\)", [0-9]*, \(TIMED\|EXPERIMENT\)\(.*\)/\1 \2\4/p' |
sed 's/, A(dt, DT)//; s/,[[:space:]]*A(\([a-z_]*\), [A-Z]*)/ \1/g; s/).*//; s/[[:space:]]*$//' >manpages.table
[ "$(wc -l <manpages.table)" -ge 49 ] || { echo "the event table was not understood"; bad=1; }
sed -n 's/^\.It \([0-9][0-9]* .*\)/\1/p' "$src/man/exectrace.5" |
sed 's/ (1\.[0-9]*)//; s/ Ar / /; s/ ,//g' >manpages.page
while read -r line; do
	grep -qxF "$line" manpages.page || { echo "exectrace(5) lacks: $line"; bad=1; }
done <manpages.table
rm -f manpages.table manpages.page

if [ -n "${MANDOC:-}" ]; then
	for page in "$src"/man/*.[1-9]; do
		out=$("$MANDOC" -T lint -W warning "$page")
		[ -z "$out" ] || { echo "$out"; bad=1; }
	done
fi
exit $bad
