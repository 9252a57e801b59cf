// SPDX-License-Identifier: BSD-3-Clause

// Busy records itself until the trace has a given size: a big trace of everything for the benchmarks.
//
//	busy OUT BYTES
//
// Contended mutexes, channels and selects, loopback TCP, tasks, regions and logs, system calls, collections and CPU samples.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"sync/atomic"
)

// A counter is where the trace goes; the recording ends when it is full.
type counter struct {
	f *os.File
	n atomic.Int64
}

func (c *counter) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return c.f.Write(b)
}

var (
	stop atomic.Bool
	all  sync.WaitGroup
	sink atomic.Pointer[[]byte]
)

func loop(fn func(i int)) {
	all.Add(1)
	go func() {
		defer all.Done()
		for i := 0; !stop.Load(); i++ {
			fn(i)
		}
	}()
}

// Work takes some time that is the program's own.
func work(n int) (sum int) {
	for j := 0; j < n; j++ {
		sum += j * j
	}
	return sum
}

func locks() {
	var mu [3]sync.Mutex
	shared := 0
	for w := 0; w < 6; w++ {
		loop(func(i int) {
			m := &mu[(i+w)%len(mu)]
			m.Lock()
			shared += work(1000)
			if i%4 == 0 {
				runtime.Gosched() // somebody else wants it meanwhile
			}
			m.Unlock()
		})
	}
}

func channels() {
	for w := 0; w < 3; w++ {
		ping, pong, quit := make(chan int), make(chan int), make(chan bool)
		all.Add(1)
		go func() {
			defer all.Done()
			for {
				select {
				case v := <-ping:
					pong <- v
				case <-quit:
					return
				}
			}
		}()
		loop(func(i int) {
			if i%10000 == 0 && stop.Load() {
				return
			}
			ping <- work(4000)
			<-pong
			if stop.Load() {
				close(quit)
			}
		})
	}
}

func sockets() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go io.Copy(c, c)
		}
	}()
	for w := 0; w < 2; w++ {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return err
		}
		b := make([]byte, 64)
		loop(func(int) {
			work(500)
			c.Write(b)
			io.ReadFull(c, b)
		})
	}
	return nil
}

func annotate(i int) {
	ctx, task := trace.NewTask(context.Background(), "request "+strconv.Itoa(i%7))
	trace.WithRegion(ctx, "handle", func() {
		trace.Log(ctx, "step", strconv.Itoa(i%100))
		trace.WithRegion(ctx, "encode", func() { b := make([]byte, 4096); sink.Store(&b) })
	})
	task.End()
	if i%20 == 0 {
		os.ReadFile("/proc/self/stat")
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: busy OUT BYTES")
		os.Exit(2)
	}
	want, err := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "busy:", err)
		os.Exit(2)
	}
	if err = record(os.Args[1], want); err != nil {
		fmt.Fprintln(os.Stderr, "busy:", err)
		os.Exit(1)
	}
}

func record(name string, want int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	c := &counter{f: f}
	pprof.StartCPUProfile(io.Discard)
	if err := trace.Start(c); err != nil {
		return err
	}
	locks()
	channels()
	if err := sockets(); err != nil {
		return err
	}
	loop(func(i int) {
		annotate(i)
		if c.n.Load() >= want {
			stop.Store(true)
		}
	})
	all.Wait()
	trace.Stop()
	pprof.StopCPUProfile()
	return f.Close()
}
