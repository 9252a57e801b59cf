// SPDX-License-Identifier: BSD-3-Clause

// Checkpprof tells whether a profile is as those who read profiles demand: pprof itself, Pyroscope and Parca.
//
//	checkpprof [-negative] PROFILE
//
// It reads the wire format by itself, so that nothing is put right on the way.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"unicode/utf8"
)

// A message: numbers and bytes by field number, in their order.
type message struct {
	nums  map[uint64][]uint64
	bytes map[uint64][][]byte
}

func die(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "checkpprof: "+format+"\n", args...)
	os.Exit(1)
}

func varint(b []byte) (uint64, []byte) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		die("a bad number")
	}
	return v, b[n:]
}

func parse(b []byte) message {
	m := message{map[uint64][]uint64{}, map[uint64][][]byte{}}
	var key, n uint64
	for len(b) > 0 {
		key, b = varint(b)
		n, b = varint(b)
		switch key & 7 {
		case 0:
			m.nums[key>>3] = append(m.nums[key>>3], n)
		case 2:
			if n > uint64(len(b)) {
				die("a field ends outside")
			}
			m.bytes[key>>3] = append(m.bytes[key>>3], b[:n])
			b = b[n:]
		default:
			die("wire type %d", key&7)
		}
	}
	return m
}

// List is a repeated number, packed or not.
func (m message) list(field uint64) []uint64 {
	all := m.nums[field]
	for _, b := range m.bytes[field] {
		var n uint64
		for len(b) > 0 {
			n, b = varint(b)
			all = append(all, n)
		}
	}
	return all
}

func (m message) one(field uint64) uint64 {
	if n := m.nums[field]; len(n) > 0 {
		return n[len(n)-1]
	}
	return 0
}

var strings [][]byte

func text(i uint64, what string) string {
	if i >= uint64(len(strings)) {
		die("%s: string %d of %d", what, i, len(strings))
	}
	return string(strings[i])
}

func ids(what string, list [][]byte) (map[uint64]message, []message) {
	by := map[uint64]message{}
	var all []message
	for i, b := range list {
		m := parse(b)
		id := m.one(1)
		if id == 0 || by[id].nums != nil {
			die("%s %d: its id %d is 0 or another's", what, i, id)
		}
		// Parca takes ids for places in the list.
		if id != uint64(i)+1 {
			die("%s %d has id %d", what, i, id)
		}
		by[id] = m
		all = append(all, m)
	}
	return by, all
}

func checkTypes(p message) int {
	types := p.bytes[1]
	if len(types) == 0 {
		die("no sample types")
	}
	seen := map[string]bool{}
	for _, b := range append(types, p.bytes[11]...) {
		t := parse(b)
		name, unit := text(t.one(1), "a type"), text(t.one(2), "a unit")
		if name == "" || unit == "" {
			die("a type or unit is empty")
		}
		seen[name] = true
	}
	if len(seen) < len(types) {
		die("two sample types have one name")
	}
	if len(p.bytes[11]) != 1 || p.one(12) == 0 {
		die("no period")
	}
	return len(types)
}

func checkSamples(p message, types int, locations map[uint64]message, negative bool) {
	keys := map[string]bool{}
	for _, b := range p.bytes[2] {
		s := parse(b)
		key := fmt.Sprint(s.list(1))
		for _, id := range s.list(1) {
			if locations[id].nums == nil {
				die("a sample at location %d", id)
			}
		}
		values, zero := s.list(2), true
		if len(values) != types {
			die("%d values for %d types", len(values), types)
		}
		for _, v := range values {
			zero = zero && v == 0
			if int64(v) < 0 && !negative {
				die("a negative value")
			}
		}
		if zero {
			die("a sample of nothing")
		}
		labels := map[string]bool{}
		for _, b := range s.bytes[3] {
			l := parse(b)
			name := text(l.one(1), "a label")
			if name == "" || labels[name] || (l.one(2) != 0 && l.one(3) != 0) {
				die("label %q is empty, twice there, or both text and number", name)
			}
			labels[name] = true
			key += fmt.Sprintf(" %s=%s/%d", name, text(l.one(2), "a label"), l.one(3))
		}
		if keys[key] {
			die("two samples are one: %s", key)
		}
		keys[key] = true
	}
}

func main() {
	args := os.Args[1:]
	negative := len(args) > 1 && args[0] == "-negative"
	data, err := os.ReadFile(args[len(args)-1])
	if err != nil {
		die("%v", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		die("%v", err)
	}
	if data, err = io.ReadAll(z); err != nil {
		die("%v", err)
	}
	p := parse(data)
	strings = p.bytes[6]
	if len(strings) == 0 || len(strings[0]) != 0 {
		die("the first string is not empty")
	}
	for _, s := range strings {
		if !utf8.Valid(s) || bytes.IndexByte(s, 0) >= 0 {
			die("a string that is no text: %q", s)
		}
	}
	types := checkTypes(p)
	mappings, list := ids("mapping", p.bytes[3])
	if len(list) == 0 {
		die("no mapping")
	}
	for _, m := range list {
		text(m.one(5), "a mapping's file")
		text(m.one(6), "a mapping's build id")
		if m.one(3) <= m.one(2) || m.one(7) == 0 {
			die("a mapping is empty, or has no functions")
		}
	}
	functions, _ := ids("function", p.bytes[5])
	for id, f := range functions {
		if text(f.one(2), "a function") == "" {
			die("function %d has no name", id)
		}
		text(f.one(4), "a function's file")
	}
	locations, _ := ids("location", p.bytes[4])
	for id, l := range locations {
		if m := l.one(2); m != 0 && mappings[m].nums == nil {
			die("location %d in mapping %d", id, m)
		}
		if len(l.bytes[4]) == 0 {
			die("location %d has no line", id)
		}
		for _, b := range l.bytes[4] {
			if functions[parse(b).one(1)].nums == nil {
				die("location %d has a function that is none", id)
			}
		}
	}
	checkSamples(p, types, locations, negative)
	if p.one(10) == 0 {
		die("no duration")
	}
}
