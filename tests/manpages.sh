#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The manual pages are well-formed, and exectrace(5) has every timed event of the event table with its number and arguments.  Every
# function of the public headers has a page in section 3 that names it in its head, with as many arguments as it has, and the pages
# have no others.
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

# Functions: the name and the number of arguments, of the headers and of the synopses.
sh "$src/tests/functions.sh" "$src"/include/exectrace/*.h >manpages.functions
[ "$(wc -l <manpages.functions)" -ge 90 ] || { echo "the headers were not understood"; bad=1; }
for page in "$src"/man/*.3; do
	awk '/^\.Nm e/ { print $2 > "manpages.named" }
		/^\.Sh DESCRIPTION/ { exit }
		/^\.Fn / { line = $0; n = gsub(/" "/, "&", line); print $2, ($3 == "void") ? 0 : n + 1 }
		/^\.Fo / { name = $2; n = 0 }
		/^\.Fa / { n++ }
		/^\.Fc/ { print name, n }' "$page" | sort >manpages.synopsis
	sort manpages.named >manpages.names
	[ "$(cut -d ' ' -f 1 manpages.synopsis)" = "$(cat manpages.names)" ] || { echo "$page: its name and synopsis differ"; bad=1; }
	cat manpages.synopsis >&3
done 3>manpages.pages
sort manpages.pages | diff manpages.functions - >manpages.diff || {
	sed -n 's/^</no page, or another number of arguments:/p; s/^>/in a page, but not in a header:/p' manpages.diff
	bad=1
}
# Error codes, with their numbers.
sed -n 's/^[[:space:]]*\(ETR_E_[A-Z]*\) = \([0-9]*\).*/\1 \2/p' "$src/include/exectrace/error.h" >manpages.functions
sed -n 's/^\.It Dv \(ETR_E_[A-Z]*\) Ta \([0-9]*\) Ta.*/\1 \2/p' "$src/man/etr_reader_detail.3" | diff manpages.functions - || {
	echo "etr_reader_detail(3) has other error codes"
	bad=1
}
rm -f manpages.functions manpages.named manpages.names manpages.synopsis manpages.pages manpages.diff

if [ -n "${MANDOC:-}" ]; then
	for page in "$src"/man/*.[1-9]; do
		out=$("$MANDOC" -T lint -W warning "$page")
		[ -z "$out" ] || { echo "$out"; bad=1; }
	done
fi
exit $bad
