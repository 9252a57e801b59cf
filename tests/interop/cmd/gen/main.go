// SPDX-License-Identifier: BSD-3-Clause

// Gen records traces of itself doing one thing or another.
//
//	gen short|storm|user|syscall|gc|procs|coro|all OUT [MILLISECONDS]
package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

// Storm has goroutines fight for mutexes and pass messages.
func storm(end time.Time) {
	var mu sync.Mutex
	var rw sync.RWMutex
	var wg sync.WaitGroup
	ch, un := make(chan int, 4), make(chan int)
	for i := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; time.Now().Before(end); n++ {
				mu.Lock()
				for range 100 {
				}
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
		}()
	}
	wg.Wait()
}

// User makes tasks, regions, logs and labels, with odd names.
func user(end time.Time) {
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			ctx, outer := trace.NewTask(context.Background(), fmt.Sprint("outer ", i))
			defer outer.End()
			for n := 0; time.Now().Before(end); n++ {
				inner, task := trace.NewTask(ctx, "inner\\ \x01\xff"+string(rune(0x4e00+n%3)))
				trace.WithRegion(inner, "region", func() {
					trace.Log(inner, "key", strconv.Itoa(n))
					trace.Log(inner, "", "")
					pprof.Do(inner, pprof.Labels("n", strconv.Itoa(n%5)), func(ctx context.Context) {
						trace.StartRegion(ctx, "nested").End()
					})
				})
				task.End()
				time.Sleep(50 * time.Microsecond)
			}
		}()
	}
	wg.Wait()
}

// Syscalls reads and writes pipes and files, some of them for long.
func syscalls(end time.Time) {
	var wg sync.WaitGroup
	for range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r, w, err := os.Pipe()
			if err != nil {
				panic(err)
			}
			defer r.Close()
			defer w.Close()
			b := make([]byte, 64)
			for time.Now().Before(end) {
				w.Write(b)
				r.Read(b)
				os.ReadFile("/proc/self/stat")
				if f, err := os.CreateTemp("", "gen"); err == nil {
					f.Write(make([]byte, 1<<16))
					f.Sync()
					f.Close()
					os.Remove(f.Name())
				}
			}
		}()
	}
	wg.Wait()
}

var sink [][]byte

// Collect makes garbage, and collects it on demand too.
func collect(end time.Time) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var keep [][]byte
			for i := 0; time.Now().Before(end); i++ {
				keep = append(keep, make([]byte, 4096))
				if len(keep) > 2000 {
					keep = nil
				}
			}
			_ = keep
		}()
	}
	for time.Now().Before(end) {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	wg.Wait()
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
}

func count(yield func(int) bool) {
	for i := 0; yield(i); i++ {
	}
}

// Coro switches between coroutines; some are stopped, some run out.
func coro(end time.Time) {
	for time.Now().Before(end) {
		next, stop := iter.Pull(count)
		for range 50 {
			next()
		}
		stop()
		next, stop = iter.Pull(func(yield func(int) bool) { yield(1) })
		next()
		next()
		next()
		stop()
	}
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: gen short|storm|user|syscall|gc|procs|coro|all OUT [MILLISECONDS]")
		os.Exit(2)
	}
	ms := 200
	if len(os.Args) > 3 {
		ms, _ = strconv.Atoi(os.Args[3])
	}
	out, err := os.Create(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	parts := map[string]func(time.Time){
		"short": func(time.Time) {}, "storm": storm, "user": user, "syscall": syscalls, "gc": collect, "procs": procs, "coro": coro,
	}
	if os.Args[1] == "all" {
		pprof.StartCPUProfile(nullWriter{})
	}
	if err := trace.Start(out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	end := time.Now().Add(time.Duration(ms) * time.Millisecond)
	if os.Args[1] == "all" {
		var wg sync.WaitGroup
		for _, part := range parts {
			wg.Add(1)
			go func() { defer wg.Done(); part(end) }()
		}
		wg.Wait()
		pprof.StopCPUProfile()
	} else {
		parts[os.Args[1]](end)
	}
	trace.Stop()
	if err := out.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type nullWriter struct{}

func (nullWriter) Write(b []byte) (int, error) { return len(b), nil }
