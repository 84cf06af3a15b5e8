//go:build linux

package main

import (
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/oci"
)

// libraryJobs are what the warm process can be asked to do. The names are the ones
// that libraryPairs uses.
func libraryJobs(b bundle, null *os.File) (map[string]func() error, error) {
	program := b.rootfs() + "/bin/true"
	spec, host, err := wanted(b)
	if err != nil {
		return nil, err
	}
	return map[string]func() error{
		jobBare:      func() error { return startBare(program, null) },
		jobContainer: func() error { return startContainer(spec, host, null) },
	}, nil
}

const jobContainer = "container"

// wanted is the bundle as the library takes it, and this machine.
func wanted(b bundle) (container.Spec, container.Host, error) {
	spec, _, err := oci.Load(b.dir)
	if err != nil {
		return spec, container.Host{}, err
	}
	host, err := container.Probe()
	return spec, host, err
}

// startContainer is the whole of the bundle: compiled, started, waited for.
func startContainer(spec container.Spec, host container.Host, null *os.File) error {
	plan, err := container.Compile(spec, host)
	if err != nil {
		return err
	}
	p, err := plan.Start(container.Stdio{In: null, Out: null, Err: null})
	if err != nil {
		return err
	}
	defer p.Close()
	status, err := p.Wait()
	if err == nil && (!status.Exited() || status.ExitStatus() != 0) {
		err = fmt.Errorf("wait status %#x", uint32(status))
	}
	return err
}

// compile is what a start decides before it does anything: the plan, and its image.
func compile(spec container.Spec, host container.Host) (*nsexec.Image, error) {
	plan, err := container.Compile(spec, host)
	if err != nil {
		return nil, err
	}
	return nsexec.NewImage(plan.Child)
}

const jobBare = "bare os.StartProcess"

// bareCloneflags are the namespaces of the bundle.
const bareCloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// startBare is what any Go program can do without the library: the same program in
// the same new namespaces, with nothing set up in them.
func startBare(program string, null *os.File) error {
	p, err := os.StartProcess(program, []string{program}, &os.ProcAttr{
		Env:   []string{"PATH=/bin"},
		Files: []*os.File{null, null, null},
		Sys:   &syscall.SysProcAttr{Cloneflags: bareCloneflags},
	})
	if err != nil {
		return err
	}
	state, err := p.Wait()
	if err == nil && !state.Success() {
		err = fmt.Errorf("%s: %v", program, state)
	}
	return err
}

const (
	smallHeap = 0
	largeHeap = 2 << 30
)

// libraryPairs are the rows measured inside warm processes, one with a small
// heap and one with 2 GiB touched.
func libraryPairs(small, large *warm) []*pair {
	const section = "warm process"
	return []*pair{
		{section: section, name: "container : bare start", reach: 2.0, aim: 1.6, ours: small.job(jobContainer), peer: small.job(jobBare)},
		{section: section, name: "container : bare start, 2 GiB heap", reach: 2.0, aim: 1.6, ours: large.job(jobContainer), peer: large.job(jobBare)},
		{section: section, name: "container, 2 GiB heap : small heap", reach: 1.15, ours: large.job(jobContainer), peer: small.job(jobContainer)},
	}
}

// compileRuns is how often compile is timed for its figure, in a row and in this process: a
// pure function waits for nobody, and a request through a pipe before each run would time how a
// processor wakes up. Each is paired with a loop, and the figure is what it takes where that
// takes its best time.
const compileRuns = 4000

// plainLoop is work that waits for nobody and allocates nothing: whatever slows it is the
// core's, which others have a share of.
func plainLoop(memory []byte) {
	for i := range memory {
		memory[i] = byte(i)
	}
}

// libraryFigures are the sizes that the library knows of itself.
func libraryFigures(b bundle) ([]figure, error) {
	spec, host, err := wanted(b)
	if err != nil {
		return nil, err
	}
	image, err := compile(spec, host)
	if err != nil {
		return nil, err
	}
	times, loops, ratios := make([]float64, compileRuns), make([]float64, compileRuns), make([]float64, compileRuns)
	memory := make([]byte, 64<<10)
	for i := range times {
		begun := time.Now()
		plainLoop(memory)
		between := time.Now()
		if _, err := compile(spec, host); err != nil {
			return nil, err
		}
		loops[i] = float64(between.Sub(begun).Nanoseconds()) / 1000
		times[i] = float64(time.Since(between).Nanoseconds()) / 1000
		ratios[i] = times[i] / loops[i]
	}
	for _, list := range [][]float64{times, loops, ratios} {
		slices.Sort(list)
	}
	const median, best = compileRuns / 2, compileRuns / 100
	return []figure{
		{Name: "compile and encode", Value: ratios[median] * loops[best], Unit: "µs", Reach: 150, Note: fmt.Sprintf(
			"%d operations; %.0f µs as measured, on a core that is shared: a plain loop takes %.1f of its best time", image.Program().Len(), times[median], loops[median]/loops[best])},
		{Name: "image", Value: float64(len(image.Bytes())) / 1024, Unit: "KiB", Reach: 36},
	}, nil
}
