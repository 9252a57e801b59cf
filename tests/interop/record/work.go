// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Each runs f(i) on n goroutines and waits for them.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() { defer wg.Done(); f(i) }()
	}
	wg.Wait()
}

// Storm has goroutines fight for mutexes and pass messages.
func storm(end time.Time) {
	var mu sync.Mutex
	var rw sync.RWMutex
	cond := sync.NewCond(&mu)
	ch, un := make(chan int, 4), make(chan int)
	each(8, func(i int) {
		for n := 0; time.Now().Before(end); n++ {
			mu.Lock()
			for range 100 {
			}
			cond.Broadcast()
			mu.Unlock()
			rw.RLock()
			rw.RUnlock()
			select {
			case ch <- n:
			case <-ch:
			case un <- n:
			case <-un:
			case <-time.After(time.Millisecond):
			}
			if i == 0 {
				rw.Lock()
				time.Sleep(10 * time.Microsecond)
				rw.Unlock()
				runtime.Gosched()
			}
		}
	})
}

// Many starts 20,000 goroutines, most of which are there at once; in less than 20 ms only 50 for each millisecond.
func many(end time.Time) {
	n := 20000
	if ms := int(time.Until(end).Milliseconds()); ms < 20 {
		n = 50 * (ms + 1)
	}
	gate, ch := make(chan bool), make(chan int)
	go func() {
		for i := 0; i < n; i++ {
			<-ch
		}
		close(gate)
	}()
	each(n, func(i int) {
		ch <- i
		<-gate
	})
}

// User makes tasks, regions, logs and labels, with odd names.
func user(end time.Time) {
	each(4, func(i int) {
		ctx, outer := trace.NewTask(context.Background(), fmt.Sprint("outer ", i))
		defer outer.End()
		for n := 0; time.Now().Before(end); n++ {
			inner, task := trace.NewTask(ctx, "inner\\ \x01\xff"+string(rune(0x4e00+n%3)))
			trace.WithRegion(inner, "region", func() {
				trace.Log(inner, "key", strconv.Itoa(n%100))
				trace.Log(inner, "", "")
				pprof.Do(inner, pprof.Labels("n", strconv.Itoa(n%5)), func(ctx context.Context) {
					defer trace.StartRegion(ctx, "nested").End()
					if n%8 == 0 {
						time.Sleep(2 * time.Millisecond) // often across a boundary between generations
					}
				})
			})
			if n%3 != 0 { // some never end
				task.End()
			}
			time.Sleep(200 * time.Microsecond)
		}
	})
}

// Syscalls makes short ones and long ones, on pipes, files and threads of their own.
func syscalls(end time.Time) {
	each(4, func(i int) {
		if i == 3 {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
		}
		var p [2]int
		if err := syscall.Pipe(p[:]); err != nil {
			panic(err)
		}
		defer syscall.Close(p[0])
		r, w, err := os.Pipe()
		if err != nil {
			panic(err)
		}
		defer r.Close()
		defer w.Close()
		b := make([]byte, 64)
		for n := 0; time.Now().Before(end); n++ {
			for range 5 {
				syscall.Access("/", 0)
			}
			w.Write(b)
			r.Read(b)
			// A read that takes long: its processor is taken away.
			go func() {
				time.Sleep(200 * time.Microsecond)
				syscall.Write(p[1], b[:1])
			}()
			var one [1]byte
			syscall.Read(p[0], one[:])
			if f, err := os.CreateTemp("", "record"); err == nil && n%4 == 0 {
				f.Write(make([]byte, 1<<16))
				f.Sync()
				f.Close()
				os.Remove(f.Name())
			} else if err == nil {
				f.Close()
				os.Remove(f.Name())
			}
		}
		time.Sleep(time.Millisecond)
		syscall.Close(p[1])
	})
}

// Collect makes garbage, and collects it on demand too.
func collect(end time.Time) {
	go func() {
		for time.Now().Before(end) {
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
	}()
	each(4, func(i int) {
		var keep [][]byte
		for n := 0; time.Now().Before(end); n++ {
			keep = append(keep, make([]byte, 4096))
			if len(keep) > 500 {
				keep = nil
			}
		}
		_ = keep
	})
}

// Procs changes GOMAXPROCS under load.
func procs(end time.Time) {
	done := make(chan bool)
	go func() { storm(end); done <- true }()
	for n := 1; time.Now().Before(end); n++ {
		runtime.GOMAXPROCS(1 + n%16)
		time.Sleep(300 * time.Microsecond)
	}
	<-done
	runtime.GOMAXPROCS(4)
}

var number float64

// Profiled computes, for the samples.
func profiled(end time.Time) {
	each(2, func(i int) {
		x := float64(i)
		for n := 0; time.Now().Before(end); n++ {
			for j := range 100000 {
				x += math.Sqrt(float64(j))
			}
			runtime.Gosched()
		}
		number = x
	})
}

// All does everything at once.
func all(end time.Time) {
	var wg sync.WaitGroup
	for name, k := range kinds {
		if name == "all" || name == "flight" || name == "loop" || name == "many" {
			continue
		}
		wg.Add(1)
		go func() { defer wg.Done(); k.work(end) }()
	}
	wg.Wait()
}
