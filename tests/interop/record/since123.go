// SPDX-License-Identifier: BSD-3-Clause

//go:build go1.23

package main

import (
	"iter"
	"time"
)

func init() {
	kinds["coro"] = kind{work: coro}
	kinds["allocfree"] = kind{work: allocate, debug: "traceallocfree=1"}
}

func count(yield func(int) bool) {
	for i := 0; yield(i); i++ {
	}
}

// Coro switches between coroutines; some are stopped, some run out.
func coro(end time.Time) {
	each(2, func(int) {
		for time.Now().Before(end) {
			next, stop := iter.Pull(count)
			for range 20 {
				next()
			}
			stop()
			next, stop = iter.Pull(func(yield func(int) bool) { yield(1) })
			next()
			next()
			next()
			stop()
		}
	})
}

var kept [8]any

// Allocate makes objects of all sizes, and goroutines that need more stack.
func allocate(end time.Time) {
	collect(end)
	each(8, func(i int) {
		kept[i] = make([]byte, 8<<i)
		deep(200)
	})
	time.Sleep(time.Millisecond)
}

//go:noinline
func deep(n int) int {
	var room [128]byte
	if n == 0 {
		return int(room[0])
	}
	return deep(n-1) + int(room[n%128])
}
