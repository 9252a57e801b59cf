#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Slices have their window's events, all of them and as they were: cutcheck cuts traces of Go programs, of ours, and small made ones
# at many places.  WINDOWS is how many of each, SEED where they lie.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
bad=0
fail() { echo "FAIL: $*"; bad=1; }
n=${WINDOWS:-40}
seed=${SEED:-1}

traces=
for t in "$src"/testdata/go/*.trace; do
	[ ! -e "$t" ] || traces="$traces $t"
done
for t in locks-named locks-unnamed; do
	"$bin/trace-print" --assemble "$src/testdata/$t.txt" >$t.trace || fail "assembling $t"
	traces="$traces $t.trace"
done
[ -n "$traces" ] || fail "no traces"
"$bin/cutcheck" -n "$n" -s "$seed" $traces || fail "cutcheck"
exit $bad
