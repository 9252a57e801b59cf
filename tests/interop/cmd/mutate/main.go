// SPDX-License-Identifier: BSD-3-Clause

// Mutate damages traces in memory and tells what Go's reader makes of each: the peer of tests/mutate-read.c, which does the same
// with our reader and prints the same lines.
//
//	mutate truncate|flip|random N SEED TRACE...
//
// A line: trace, number of the mutation, events delivered, a hash over their times, kinds and contexts, and the verdict.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/exp/trace"
)

const header = 16

func read(data []byte) (n int, hash uint64, verdict string) {
	defer func() {
		if p := recover(); p != nil {
			verdict = "panic"
		}
	}()
	hash = 14695981039346656037
	r, err := trace.NewReader(bytes.NewReader(data))
	if err != nil {
		return 0, hash, "error"
	}
	for {
		e, err := r.ReadEvent()
		if err == io.EOF {
			return n, hash, "ok"
		}
		if err != nil {
			return n, hash, "error"
		}
		n++
		for _, v := range []int64{int64(e.Time()), int64(e.Kind()), int64(e.Goroutine()), int64(e.Proc()), int64(e.Thread())} {
			hash = (hash ^ uint64(v)) * 1099511628211
		}
	}
}

type random uint64

func (r *random) next(n int) int {
	*r ^= *r << 13
	*r ^= *r >> 7
	*r ^= *r << 17
	return int(uint64(*r) >> 11 % uint64(n))
}

// Damage changes one to four places behind the header.
func damage(data []byte, r *random) []byte {
	out := append([]byte(nil), data...)
	for changes := 1 + r.next(4); changes > 0; changes-- {
		if len(out) <= header {
			break
		}
		at := header + r.next(len(out)-header)
		switch r.next(4) {
		case 0:
			out[at] = byte(r.next(256))
		case 1:
			out[at] ^= 1 << r.next(8)
		case 2:
			n := min(1+r.next(8), len(out)-at)
			out = append(out[:at], out[at+n:]...)
		case 3:
			n := min(1+r.next(32), len(out)-at)
			span := append([]byte(nil), out[at:at+n]...)
			out = append(out[:at], append(span, out[at:]...)...)
		}
	}
	return out
}

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: mutate truncate|flip|random N SEED TRACE...")
		os.Exit(2)
	}
	n, _ := strconv.Atoi(os.Args[2])
	seed, _ := strconv.ParseUint(os.Args[3], 10, 64)
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for _, name := range os.Args[4:] {
		data, err := os.ReadFile(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		r := random(seed)
		tell := func(i int, data []byte) {
			n, hash, verdict := read(data)
			fmt.Fprintf(w, "%s %d %d %016x %s\n", name, i, n, hash, verdict)
		}
		switch os.Args[1] {
		case "truncate":
			for i := header; i <= len(data); i++ {
				tell(i, data[:i])
			}
		case "flip":
			// n different bits of each byte, or all eight.
			for i := header; i < len(data); i++ {
				for bit := 0; bit < n; bit++ {
					damaged := append([]byte(nil), data...)
					damaged[i] ^= 1 << ((i + bit*3) % 8)
					tell(i*8+bit, damaged)
				}
			}
		case "random":
			for i := 0; i < n; i++ {
				tell(i, damage(data, &r))
			}
		}
	}
}
