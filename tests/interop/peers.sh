# SPDX-License-Identifier: BSD-3-Clause
#
# peers.sh - for the interop tests, which source it: Go's reader and the recording programs built, and traces compared.
#
# Wants $GO and $dir, a folder for anything; sets $bin, and counts in $bad.
: "${top_srcdir:=.}" "${top_builddir:=.}"
top_builddir=$(cd "$top_builddir" && pwd)
print=$top_builddir/trace-print
bin=$top_builddir/tests/interop/bin
bad=0
export GOFLAGS=-mod=readonly\ -buildvcs=false

# The toolchains beside the installed one, the newest of each version of the format.  The Go proxy serves them.
: "${EXECTRACE_TOOLCHAINS=go1.22.12 go1.23.12 go1.25.5}"

# Builds Go's reader, or ends the test.
build_peers() {
	mkdir -p "$bin"
	(cd "$top_srcdir/tests/interop" && "$GO" build -o "$bin/" ./cmd/...) >"$dir/build" 2>&1 && return
	cat "$dir/build"
	# Without a network the module may be missing: that says nothing about us.
	grep -q "dial tcp\|no such host\|connection refused\|i/o timeout" "$dir/build" && exit 77
	exit 1
}

# build_record TOOLCHAIN: makes $bin/record-TOOLCHAIN; fails where it cannot be had, telling why.
build_record() {
	(cd "$top_srcdir/tests/interop/record" && GOTOOLCHAIN=$1 timeout 300 "$GO" build -trimpath -o "$bin/record-$1" .) \
		>"$dir/build" 2>&1 && return
	echo "$1: left out: $(tail -n 1 "$dir/build")"
	return 1
}

# same TRACE LABEL: the two readers print the same, with stacks and without, and pass the same verdict
same() {
	"$bin/godump" -stacks "$1" >"$dir/go" 2>"$dir/go.err"
	goes=$?
	"$print" --stacks "$1" >"$dir/ours" 2>"$dir/ours.err"
	[ $? -eq $goes ] || { echo "$2: another verdict: $(cat "$dir/ours.err" "$dir/go.err")"; bad=$((bad + 1)); return; }
	cmp "$dir/ours" "$dir/go" || { echo "$2: other events"; bad=$((bad + 1)); return; }
	"$print" "$1" 2>/dev/null >"$dir/ours"
	"$bin/godump" "$1" 2>/dev/null | cmp - "$dir/ours" || { echo "$2: other events without stacks"; bad=$((bad + 1)); }
	echo "$2: $(wc -l <"$dir/go") events"
}
