#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# memory-bound.sh - how much memory hostile traces, and those of the corpora, make the reader take.
exec "$top_builddir/memory-bound" "$top_srcdir"/testdata/go/*.trace "$top_srcdir"/testdata/fuzz/traces/* \
	"$top_srcdir"/testdata/fuzz/found/*
