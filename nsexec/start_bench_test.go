package nsexec_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// BenchmarkStart compares Start with os.StartProcess of the same program with the same
// namespaces, from before the start until the process has been waited for. Each round
// does both, in random order and with a pause before each, since the kernel takes
// namespaces down in the background. What it reports are medians over the rounds: those of
// each side in microseconds, and that of the ratio.
//
//	go test -run '^$' -bench BenchmarkStart -benchtime 200x ./nsexec
func BenchmarkStart(b *testing.B) {
	const six = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
	rows := []struct {
		name       string
		namespaces uintptr
		heap       int // MiB
	}{
		{"no namespaces, small heap", 0, 0},
		{"six namespaces, small heap", six, 0},
		{"six namespaces, 2 GiB heap", six, 2 << 10},
	}
	for _, row := range rows {
		b.Run(row.name, func(b *testing.B) {
			nstest.Root(b)
			heap := touch(row.heap)
			for _, store := range stores {
				b.Run(store.String(), func(b *testing.B) {
					benchmarkPairs(b, store, row.namespaces)
				})
			}
			runtime.KeepAlive(heap)
		})
	}
}

func benchmarkPairs(b *testing.B, store nsexec.Store, namespaces uintptr) {
	bin, null := busybox(b), null(b)
	file := fd(null, "null")
	im := image(b, 3, func(b *prog.Builder, _ prog.FD) { exec(b, bin, "true") })
	sides := []func() error{
		func() error {
			p, err := nsexec.Start(nsexec.Config{Image: im, Store: store, Namespaces: namespaces, Files: []prog.FD{file, file, file}})
			if err != nil {
				return err
			}
			defer p.Close()
			if status, err := p.Wait(); err != nil || status != 0 {
				return fmt.Errorf("status %#x: %w", int(status), err)
			}
			return nil
		},
		func() error {
			p, err := os.StartProcess(bin, []string{bin, "true"}, &os.ProcAttr{
				Files: []*os.File{null, null, null}, Env: []string{},
				Sys: &syscall.SysProcAttr{Cloneflags: namespaces},
			})
			if err != nil {
				return err
			}
			state, err := p.Wait()
			if err == nil && !state.Success() {
				err = fmt.Errorf("%v", state)
			}
			return err
		},
	}
	var times [2][]float64
	var ratios []float64
	for b.Loop() {
		var took [2]float64
		first := rand.IntN(2)
		for _, side := range []int{first, 1 - first} {
			time.Sleep(3 * time.Millisecond)
			begin := time.Now()
			if err := sides[side](); err != nil {
				b.Fatal(err)
			}
			took[side] = time.Since(begin).Seconds() * 1e6
			times[side] = append(times[side], took[side])
		}
		ratios = append(ratios, took[0]/took[1])
	}
	b.ReportMetric(median(times[0]), "µs/start")
	b.ReportMetric(median(times[1]), "µs/bare")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(0, "ns/op") // the pauses are in it
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// touch allocates so many MiB and writes to every page.
func touch(mib int) [][]byte {
	heap := make([][]byte, mib)
	for i := range heap {
		heap[i] = make([]byte, 1<<20)
		for at := 0; at < len(heap[i]); at += 4096 {
			heap[i][at] = 1
		}
	}
	return heap
}

// BenchmarkImage is what comes before: a program is checked and laid out.
func BenchmarkImage(b *testing.B) {
	for _, n := range []int{10, 80, 250} {
		b.Run(fmt.Sprintf("%d operations", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				builder := &prog.Builder{}
				nsexec.Begin(builder, 3)
				for builder.Len() < n-1 {
					how := prog.OpenHow(unix.O_PATH|unix.O_CLOEXEC, 0, unix.RESOLVE_IN_ROOT)
					dir := builder.Slot("dir")
					builder.Add(prog.Op{Call: prog.Openat2, Args: prog.Args{prog.FD{Num: 3}, prog.Str("/some/directory"), how, prog.Int(prog.OpenHowSize)}, Out: dir})
					builder.Add(prog.Op{Call: prog.Close, Args: prog.Args{dir}})
				}
				exit(builder, 0)
				p, err := builder.Program()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := nsexec.NewImage(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
