//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const warmArg = "warm"

// warm is a process that importers of the library are like: it has been running for
// a while, has a heap of a known size, and now starts containers. The bench asks it
// over a pipe to do one job at a time, so that its samples can be paired with others.
type warm struct {
	name    string
	cmd     *exec.Cmd
	ask     io.WriteCloser
	answers *bufio.Reader
}

// startWarm starts a warm process with a touched heap of the given size.
func startWarm(name string, heap int64, bundleDir string) (*warm, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &warm{name: name, cmd: exec.Command(exe, warmArg, strconv.FormatInt(heap, 10), bundleDir)}
	w.cmd.Stderr = os.Stderr
	if w.ask, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.answers = bufio.NewReader(answers)
	return w, w.cmd.Start()
}

// job is a contestant that lives in the warm process. The clock runs there.
func (w *warm) job(name string) contestant {
	return contestant{name: w.name + " " + name, run: func() (time.Duration, error) {
		if _, err := fmt.Fprintln(w.ask, name); err != nil {
			return 0, err
		}
		answer, err := w.answers.ReadString('\n')
		if err != nil {
			return 0, fmt.Errorf("warm process %s: %w", w.name, err)
		}
		answer = strings.TrimSpace(answer)
		took, err := strconv.ParseInt(answer, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("warm process %s, %s: %s", w.name, name, answer)
		}
		return time.Duration(took), nil
	}}
}

func (w *warm) close() error {
	_ = w.ask.Close() // end-of-file ends it
	return w.cmd.Wait()
}

// serveWarm is the warm process. A line names the job; the answer is the time
// it took in nanoseconds, or an error in words.
func serveWarm(heapSize, bundleDir string) error {
	size, err := strconv.ParseInt(heapSize, 10, 64)
	if err != nil {
		return err
	}
	if err := smallPages(); err != nil {
		return err
	}
	heap := touch(size)
	null, err := openNull()
	if err != nil {
		return err
	}
	jobs, err := libraryJobs(bundle{dir: bundleDir}, null)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		job, ok := jobs[lines.Text()]
		if !ok {
			fmt.Printf("no job %q\n", lines.Text())
			continue
		}
		start := time.Now()
		err := job()
		took := time.Since(start)
		if err != nil {
			fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		fmt.Println(took.Nanoseconds())
	}
	// Read at the end, so that the heap is alive, and collected around, until then.
	if len(heap) != int(size>>chunkShift) {
		return fmt.Errorf("heap of %d chunks", len(heap))
	}
	return nil
}

const chunkShift = 20

// touch allocates that many bytes in pieces of 1 MiB and writes to every page. Huge pages
// are off for them: a caller with a long life has small ones, and a fork that copied
// page tables would be punished for each.
func touch(size int64) [][]byte {
	heap := make([][]byte, size>>chunkShift)
	for i := range heap {
		heap[i] = make([]byte, 1<<chunkShift)
		for at := 0; at < len(heap[i]); at += 4096 {
			heap[i][at] = 1
		}
	}
	return heap
}

// smallPages switches huge pages off for this process and what it executes, see PR_SET_THP_DISABLE in prctl(2).
func smallPages() error { return unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0) }
