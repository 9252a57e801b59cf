#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# memory-bound.sh - how much memory hostile traces, and those of the corpora, make the reader take.
[ -z "${SANITIZERS:-}" ] || { echo "a sanitizer's allocator is another one"; exit 77; }
exec "$top_builddir/memory-bound" "$top_srcdir"/testdata/go/*.trace "$top_srcdir"/testdata/fuzz/traces/* \
	"$top_srcdir"/testdata/fuzz/found/*
