// SPDX-License-Identifier: BSD-3-Clause

// accept reads each named trace to its end with Go's reader: every event, with its text. It prints a line for each and exits with 1 when one
// was refused.
package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/exp/trace"
)

func accept(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r, err := trace.NewReader(f)
	if err != nil {
		return 0, err
	}
	for n := 0; ; n++ {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		_ = ev.String()
	}
}

func main() {
	status := 0
	for _, path := range os.Args[1:] {
		n, err := accept(path)
		if err != nil {
			fmt.Printf("%s: after %d events: %v\n", path, n, err)
			status = 1
			continue
		}
		fmt.Printf("%s: %d events\n", path, n)
	}
	os.Exit(status)
}
