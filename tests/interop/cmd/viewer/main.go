// SPDX-License-Identifier: BSD-3-Clause

// Command viewer opens a trace in "go tool trace" as a person would and checks that names are there to be seen.
//
//	viewer TRACE START-FUNCTION FUNCTION...
//
// The goroutine analysis page must list START-FUNCTION, its own page must open, and each FUNCTION must stand in one of the
// profiles behind the page's links (network, synchronization, syscall, scheduling).
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: viewer TRACE START-FUNCTION FUNCTION...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintf(os.Stderr, "viewer: %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

func run(trace, start string, functions []string) error {
	base, stop, err := openViewer(trace)
	if err != nil {
		return err
	}
	defer stop()

	page, err := get(base + "/goroutines")
	if err != nil {
		return err
	}
	if !bytes.Contains(page, []byte(start)) {
		return fmt.Errorf("the goroutine analysis page does not name %s:\n%s", start, page)
	}
	fmt.Printf("goroutine analysis lists %s\n", start)

	name := linkTo(page, start)
	if name == "" {
		return fmt.Errorf("the goroutine analysis page has no link for %s:\n%s", start, page)
	}
	page, err = get(base + "/goroutine?name=" + url.QueryEscape(name))
	if err != nil {
		return err
	}
	if !bytes.Contains(page, []byte(start)) {
		return fmt.Errorf("the page of goroutine %s does not name it", name)
	}

	found := map[string]bool{}
	for _, profile := range []string{"io", "block", "syscall", "sched"} {
		text, err := getProfile(base + "/" + profile + "?raw=1")
		if err != nil {
			return fmt.Errorf("%s profile: %w", profile, err)
		}
		for _, f := range functions {
			if bytes.Contains(text, []byte(f)) {
				fmt.Printf("%s profile names %s\n", profile, f)
				found[f] = true
			}
		}
	}
	for _, f := range functions {
		if !found[f] {
			return fmt.Errorf("no profile names %s", f)
		}
	}
	return nil
}

// linkTo returns the goroutine name behind the link that mentions start.
func linkTo(page []byte, start string) string {
	for _, m := range regexp.MustCompile(`href="/goroutine\?name=([^"]*)"`).FindAllSubmatch(page, -1) {
		name, err := url.QueryUnescape(strings.ReplaceAll(string(m[1]), "&#43;", "+"))
		if err == nil && strings.Contains(name, start) {
			return name
		}
	}
	return ""
}

// openViewer starts the viewer's server without a browser and returns its address.
func openViewer(trace string) (base string, stop func(), err error) {
	cmd := exec.Command("go", "tool", "trace", "-http=127.0.0.1:0", trace)
	cmd.Env = append(os.Environ(), "BROWSER=true", "DISPLAY=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // the go command and the tool it runs
		cmd.Wait()
	}
	var seen strings.Builder
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		seen.WriteString(lines.Text() + "\n")
		if a := address.FindString(lines.Text()); a != "" {
			go io.Copy(io.Discard, out)
			return a, stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("go tool trace: %s", seen.String())
}

func get(url string) ([]byte, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, resp.Status, body)
	}
	return body, err
}

func getProfile(url string) ([]byte, error) {
	body, err := get(url)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
