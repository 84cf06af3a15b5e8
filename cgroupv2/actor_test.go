package cgroupv2

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// actors are what processes of this test binary do in a group, by their stage. Each
// ends when its standard input does.
var actors = map[string]func() error{
	"wait": wait,
	"spin": func() error {
		go spin()
		return wait()
	},
	"grow":      grow,
	"fork":      fork,
	"open":      open,
	"keep-open": keepOpening,
	"affinity":  affinity,
	"write":     write,
	"hugepages": hugepages,
	"evacuate":  evacuateOwn,
}

// argEnv is an actor's argument.
const argEnv = "CGROUPV2_TEST_ARG"

func wait() error {
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func spin() {
	for {
		runtime.Gosched()
	}
}

// grow takes memory until it is killed for it.
func grow() error {
	var all [][]byte
	for range 4096 {
		page := make([]byte, 1<<20)
		for i := 0; i < len(page); i += 4096 {
			page[i] = 1
		}
		all = append(all, page)
	}
	return fmt.Errorf("has %d MiB and lives", len(all))
}

// fork makes processes until it may not, and says how many there were.
func fork() error {
	n := 0
	for ; n < 1000; n++ {
		pid, _, errno := syscall.RawSyscall(syscall.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0)
		if errno != 0 {
			fmt.Printf("%d, then: %v\n", n, errno)
			break
		}
		if pid == 0 {
			for { // until it is killed
				syscall.RawSyscall(syscall.SYS_PPOLL, 0, 0, 0)
			}
		}
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// open says what open(2) says of each file of its argument, "PATH r" or "PATH w".
func open() error {
	flags := map[string]int{"r": unix.O_RDONLY, "w": unix.O_WRONLY, "rw": unix.O_RDWR}
	for line := range strings.SplitSeq(os.Getenv(argEnv), ",") {
		path, mode, _ := strings.Cut(line, " ")
		fd, err := unix.Open(path, flags[mode]|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err == nil {
			unix.Close(fd)
		}
		fmt.Printf("%s: %v\n", line, err)
	}
	return nil
}

// keepOpening opens the file of its argument until standard input ends.
func keepOpening() error {
	end := make(chan error, 1)
	fmt.Println("ready")
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		end <- err
	}()
	for n := 0; ; n++ {
		select {
		case err := <-end:
			fmt.Println(n, "times")
			return err
		default:
		}
		f, err := os.Open(os.Getenv(argEnv))
		if err != nil {
			return fmt.Errorf("after %d times: %w", n, err)
		}
		f.Close()
	}
}

func affinity() error {
	var set unix.CPUSet
	err := unix.SchedGetaffinity(0, &set)
	for i := range 1024 {
		if set.IsSet(i) {
			fmt.Print(i, " ")
		}
	}
	fmt.Println()
	return err
}

// write writes to a disk, past the page cache, and says how long it took.
func write() error {
	path, size, _ := strings.Cut(os.Getenv(argEnv), " ")
	n, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	block, err := unix.Mmap(-1, 0, 64<<10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	begin := time.Now()
	for at := 0; at < n; at += len(block) {
		if _, err := unix.Pwrite(fd, block, int64(at)); err != nil {
			return err
		}
	}
	fmt.Println(time.Since(begin).Milliseconds())
	return nil
}

// hugepages says whether one, and then two, can be had.
func hugepages() error {
	for n := 1; n <= 2; n++ {
		_, err := unix.Mmap(-1, 0, n*2<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_HUGETLB|unix.MAP_POPULATE)
		fmt.Printf("%d: %v\n", n, err)
		if err != nil {
			break
		}
	}
	return nil
}

// actor is a process that was born in a group.
type actor struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err *strings.Builder
}

// begin starts one, by CLONE_INTO_CGROUP.
func begin(t *testing.T, g *Group, stage, arg string) *actor {
	t.Helper()
	return beginCommand(t, g, exec.Command("/proc/self/exe"), stageEnv+"="+stage, argEnv+"="+arg)
}

func beginCommand(t *testing.T, g *Group, cmd *exec.Cmd, env ...string) *actor {
	t.Helper()
	a := &actor{Cmd: cmd, err: &strings.Builder{}}
	a.Env = append(os.Environ(), env...)
	a.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.FD()}
	a.Stderr = a.err
	var err error
	if a.in, err = a.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := a.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	a.out = bufio.NewReader(out)
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // it may have ended; what it has started has its standard error
		a.in.Close()
		if err := g.Kill(context.Background()); err != nil {
			t.Error(err)
		}
		a.Process.Kill()
		a.Wait()
	})
	return a
}

// line reads a line of what it says.
func (a *actor) line(t *testing.T) string {
	t.Helper()
	line, err := a.out.ReadString('\n')
	if err != nil {
		a.Wait()
		t.Fatalf("%v; it says %q", err, a.err)
	}
	return strings.TrimSuffix(line, "\n")
}

// end waits until it ends by itself, and returns what it says.
func (a *actor) end(t *testing.T) (string, error) {
	t.Helper()
	a.in.Close()
	text, err := io.ReadAll(a.out)
	err = errors.Join(err, a.Wait())
	if err != nil && a.err.Len() != 0 {
		err = fmt.Errorf("%w: %s", err, a.err)
	}
	return string(text), err
}
