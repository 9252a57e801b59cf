// SPDX-License-Identifier: BSD-3-Clause

// Command rtbench prints what operations of Go's runtime cost, with and without a recording, in lines "NAME NANOSECONDS". It is
// the peer of bench/bench-sched.c; run it with GOMAXPROCS=1.
package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"runtime/trace"
	"sync"
	"syscall"
	"time"
)

const (
	rounds = 200000
	batch  = 100
)

func per(t time.Time, n int) float64 { return float64(time.Since(t).Nanoseconds()) / float64(n) }

func yield() float64 {
	t := time.Now()
	var wg sync.WaitGroup
	for range 2 {
		wg.Add(1)
		go func() {
			for range rounds {
				runtime.Gosched()
			}
			wg.Done()
		}()
	}
	wg.Wait()
	return per(t, 2*rounds)
}

func channel() float64 {
	t := time.Now()
	ch := make(chan int)
	go func() {
		for i := range rounds {
			ch <- i
		}
	}()
	for range rounds {
		<-ch
	}
	return per(t, rounds)
}

func create() float64 {
	t := time.Now()
	var wg sync.WaitGroup
	for range rounds / batch {
		wg.Add(batch)
		for range batch {
			go wg.Done()
		}
		wg.Wait()
	}
	return per(t, rounds)
}

func region() float64 {
	ctx := context.Background()
	t := time.Now()
	for range rounds {
		trace.StartRegion(ctx, "region").End()
	}
	return per(t, 2*rounds)
}

func log() float64 {
	ctx := context.Background()
	t := time.Now()
	for range rounds {
		trace.Log(ctx, "category", "message")
	}
	return per(t, rounds)
}

// pipe uses bare descriptors, so that each call is a syscall of the runtime and not of its poller.
func pipe() float64 {
	var fd [2]int
	if err := syscall.Pipe(fd[:]); err != nil {
		return 0
	}
	c := []byte{0}
	t := time.Now()
	for range rounds / 4 {
		syscall.Write(fd[1], c)
		syscall.Read(fd[0], c)
	}
	d := per(t, rounds/4)
	syscall.Close(fd[0])
	syscall.Close(fd[1])
	return d
}

// coro switches between coroutines, which is one event without a stack each.
func coro() float64 {
	next, stop := iter.Pull(func(yield func(int) bool) {
		for i := 0; yield(i); i++ {
		}
	})
	defer stop()
	t := time.Now()
	for range rounds {
		next()
	}
	return per(t, 2*rounds)
}

func all(suffix string) {
	for _, b := range []struct {
		name string
		run  func() float64
	}{{"yield", yield}, {"chan", channel}, {"create", create}, {"pipe", pipe}, {"region", region}, {"log", log}, {"coro", coro}} {
		b.run()
		fmt.Printf("%s%s %.2f\n", b.name, suffix, b.run())
	}
}

func main() {
	all("-off")
	if err := trace.Start(io.Discard); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	all("-traced")
	trace.Stop()
}
