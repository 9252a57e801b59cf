#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Every allocation of reading and writing small traces fails, each in its turn.
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
for case in "$top_srcdir"/testdata/*.test; do
	sed '1,/^-- trace --/d' "$case" >"$dir/$(basename "$case" .test).txt"
done
"$top_builddir/test-nomem" "$top_srcdir"/testdata/fuzz/text/*.txt "$dir"/*.txt
