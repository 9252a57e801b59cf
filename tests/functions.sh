#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# functions.sh HEADER...: the functions that public headers declare, one a line, sorted: name and number of arguments.
for header in "$@"; do
	tr '\n' ' ' <"$header" | sed 's|/\*|\n/*|g; s|\*/|*/\n|g' | grep -v '^/\*' | tr '\n' ' ' | sed 's/;/;\n/g' |
	sed 's/([^()]*\*\([a-z]*\))([^()]*)/\1/g' |
	sed -n 's/.*[ *]\(e[tx]rt*_[a-z_]*\)(\([^()]*\))[^()]*\((.*)\)\{0,1\};$/\1 \2/p'
done | awk '{ name = $1; sub(/^[^ ]* /, ""); n = ($0 == "void") ? 0 : gsub(/,/, ",") + 1; print name, n }' | sort -u
