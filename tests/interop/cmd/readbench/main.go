// SPDX-License-Identifier: BSD-3-Clause

// Readbench tells how long Go's reader takes for an event: the peer of bench/bench-read.
//
//	readbench TRACE [REPEATS]
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"time"

	"golang.org/x/exp/trace"
)

func readAll(name string) (n int, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r, err := trace.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return 0, err
	}
	for {
		if _, err = r.ReadEvent(); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
		n++
	}
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "Usage: readbench TRACE [REPEATS]")
		os.Exit(2)
	}
	repeats := 3
	if len(os.Args) > 2 {
		repeats, _ = strconv.Atoi(os.Args[2])
	}
	var times []float64
	n := 0
	for i := 0; i < repeats; i++ {
		start := time.Now()
		var err error
		if n, err = readAll(os.Args[1]); err != nil {
			fmt.Fprintf(os.Stderr, "readbench: %s: %v\n", os.Args[1], err)
			os.Exit(1)
		}
		times = append(times, float64(time.Since(start).Nanoseconds())/float64(n))
	}
	sort.Float64s(times)
	fmt.Printf("%d %.2f\n", n, times[len(times)/2])
}
