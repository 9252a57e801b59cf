#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# From a compressed trace with a seek table only the window and the generation before it are read, and the slice is the same: windows
# all over traces of several generations, by time and by generation, are cut both ways.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
bad=0
fail() { echo "FAIL: $*"; bad=1; }

# What happened, and what was alive before it; the end of a task that began before tells nothing of it in any slice.
told()
{
	"$bin/trace-print" --stacks "$1" | grep -v ' Sync ' >all
	grep -v 'from=Undetermined' all
	sed -n '/from=Undetermined/{s/^[0-9]* //;s/ stack=.*//;p;}' all | sort
}

n=0
skipped=0
for t in "$src"/testdata/go/*.trace; do
	[ -e "$t" ] || continue
	"$bin/trace-print" "$t" | awk '{ print $1, $2 }' >times
	[ "$(grep -c Sync times)" -ge 4 ] || continue
	"$bin/trace-cut" -z -o whole.zst "$t" 2>err || { cat err; echo "no zstd here"; exit 77; }
	lines=$(wc -l <times)
	for tenth in 2 5 6 8 9; do
		set -- $(sed -n "$((lines * tenth / 10))p" times) $(sed -n "$((lines * (tenth + 1) / 10))p" times)
		"$bin/trace-cut" -o quick --from "@$1" --to "@$3" whole.zst 2>err || { fail "$t from $1: $(cat err)"; continue; }
		"$bin/trace-cut" -o slow --thorough --from "@$1" --to "@$3" whole.zst || fail "--thorough from $1 of $t"
		"$bin/trace-cut" -o plain --from "@$1" --to "@$3" "$t" || fail "$t, not compressed, from $1"
		told quick >quick.told
		told slow | cmp -s - quick.told || { fail "$t from $1 to $3 differs"; told slow | diff - quick.told | head -3; }
		told plain | cmp -s - quick.told || fail "$t from $1 to $3 differs when it is not compressed"
		n=$((n + 1))
		"$bin/trace-print" --raw quick | grep -q 'exectrace:goroutine [0-9]* - ' && skipped=$((skipped + 1))
	done
done
# By generation: the same, and the generation before it is the first that is read.
by_generation=0
for t in "$src"/testdata/go/*.trace; do
	[ -e "$t" ] || continue
	[ "$("$bin/trace-print" "$t" | grep -c ' Sync ')" -ge 4 ] || continue
	# Its generations are numbered from 1.
	"$bin/trace-cut" -z -o whole.zst "$t" || fail "compressing $t"
	first=1
	for window in $((first + 2)) $((first + 2)).. $((first + 1))..$((first + 2)) ..$((first + 1)); do
		"$bin/trace-cut" -v -o quick --generation $window whole.zst 2>quick.err || fail "generation $window of $t: $(cat quick.err)"
		"$bin/trace-cut" -v -o slow --thorough --generation $window whole.zst 2>slow.err || fail "--thorough generation $window of $t"
		told quick >quick.told
		told slow | cmp -s - quick.told || { fail "generation $window of $t differs"; told slow | diff - quick.told | head -3; }
		case $window in
		$((first + 2))*)
			[ "$(sed -n 's/.* \([0-9]*\) wire events.*/\1/p' quick.err)" -lt "$(sed -n 's/.* \([0-9]*\) wire events.*/\1/p' slow.err)" ] ||
				fail "nothing is passed over before generation $window of $t"
			by_generation=$((by_generation + 1)) ;;
		esac
	done
done
[ $by_generation -gt 5 ] || fail "only $by_generation windows by generation with something passed over"

echo "$n windows, $by_generation by generation, $skipped of them with something passed over"
[ $n -gt 20 ] && [ $skipped -gt 5 ] || fail "only $n windows, $skipped with something passed over"
exit $bad
