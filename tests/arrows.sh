#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# arrows.sh - each folder includes only what the house's plan lets it include, and no two files have one name (HACKING.md).
set -u
cd "${top_srcdir:-$(dirname "$0")/..}" || exit 1
bad=0

# forbid FOLDER REGEX: no file below FOLDER includes a header whose path matches REGEX
forbid() {
    found=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[\"<]($2)" "$1" --include='*.[chS]' 2>/dev/null)
    if [ -n "$found" ]; then
        printf 'forbidden include in %s:\n%s\n' "$1" "$found"
        bad=1
    fi
}

[ -d wire ] || { echo "no wire/ here"; exit 1; }
forbid wire 'cond/|librt/|libtrace/|analysis/|tools/|exectrace/'
forbid cond 'wire/|librt/|libtrace/|analysis/|tools/|exectrace/'
forbid libtrace 'cond/|librt/|analysis/|tools/|exectrace/rt\.h'
forbid librt 'libtrace/|analysis/|tools/|exectrace/(reader|raw|writer|error)\.h'
forbid librt/tracer 'librt/(sched|sync|pthread|observe)/|exectrace/'
forbid librt/sched 'librt/(sync|pthread|observe)/'
forbid librt/sync 'librt/(pthread|observe)/'
forbid librt/pthread 'librt/(sched|sync|observe)/'
forbid analysis 'wire/|libtrace/|librt/|tools/'
forbid tools 'cond/|wire/|libtrace/|librt/'

twice=$(find wire cond libtrace librt analysis tools include tests bench examples -name '*.[chS]' | sed 's|.*/||' | sort | uniq -d)
if [ -n "$twice" ]; then
    printf 'names that several files have:\n%s\n' "$twice"
    bad=1
fi
exit $bad
