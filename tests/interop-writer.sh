#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# interop-writer.sh - what the public writer writes, Go's reader accepts, whatever the calls: fuzz-writer makes them, mistakes included,
# and keeps the traces.  Skipped without go.  EXECTRACE_LONG=1 tries more.
[ -n "$GO" ] || exit 77
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
"$top_builddir/fuzz-writer" -help=1 2>&1 | grep -q max_total_time && exit 77
. "$top_srcdir/tests/interop/peers.sh"
build_peers
rounds=500
[ -z "${EXECTRACE_LONG:-}" ] || rounds=20000
mkdir "$dir/traces"
FUZZ_WRITER_SAVE=$dir/traces "$top_builddir/fuzz-writer" -m $rounds "$top_srcdir"/testdata/fuzz/writer/* >"$dir/log" 2>&1 || {
	cat "$dir/log"
	exit 1
}
find "$dir/traces" -name '*.trace' | xargs -n 2000 "$bin/accept" >"$dir/told" 2>"$dir/err" || bad=1
grep -v ' events$' "$dir/told"
head -n 5 "$dir/err"
n=$(wc -l <"$dir/told")
[ "$n" -eq "$(find "$dir/traces" -name '*.trace' | wc -l)" ] || { echo "Go's reader did not come to all"; bad=1; }
# Most have more than the last Sync.
[ "$(grep -vc ' [01] events$' "$dir/told")" -ge $rounds ] || { echo "too few traces with events"; bad=1; }
echo "$n traces"
[ $bad -eq 0 ]
