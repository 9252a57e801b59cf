// SPDX-License-Identifier: BSD-3-Clause

//go:build cgo

package main

/*
#cgo LDFLAGS: -lpthread
void run_threads(int threads, int calls);
*/
import "C"

import (
	"runtime"
	"time"
)

func init() { kinds["cgo"] = kind{work: callbacks} }

var called = make(chan int, 64)

//export goCalled
func goCalled(n C.int) {
	switch n % 4 {
	case 0:
		runtime.Gosched()
	case 1:
		time.Sleep(20 * time.Microsecond)
	default:
		select {
		case called <- int(n):
		case <-called:
		}
	}
}

// Callbacks has threads that Go did not make call into it, and end.
func callbacks(end time.Time) {
	each(2, func(int) {
		for time.Now().Before(end) {
			C.run_threads(3, 5)
		}
	})
}
