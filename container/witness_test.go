package container_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// witness is what strace saw of a container.
type witness struct {
	plan   *container.Plan
	status int
	stderr string
	birth  traced     // the call to clone3
	host   []string   // the calls of the thread that made it, up to there
	during []string   // and those that came then
	child  []traced   // what the first process did
	forks  [][]traced // and those after it, each made by the one before
	hooks  []witness  // the processes of hooks, of which only child and forks are told
}

// observe runs a container under strace. The caller ignores a signal, so that there is
// one to be set right.
func observe(t *testing.T, spec container.Spec) *witness {
	t.Helper()
	return observeAs(t, spec, "run", container.Compile)
}

// witnessNetns is the variable with the path of the network namespace that an observed driver is in.
const witnessNetns = "WITNESS_NETNS"

// observeAs does so for a driver and what it compiles.
func observeAs(t *testing.T, spec container.Spec, name string, compile func(container.Spec, container.Host) (*container.Plan, error), environ ...string) *witness {
	t.Helper()
	host, err := container.Probe()
	if err != nil {
		t.Fatal(err)
	}
	host.Ignored |= 1 << (unix.SIGHUP - 1)
	w := &witness{}
	if w.plan, err = compile(spec, host); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "strace")
	strace, err := nstest.Tool("strace")
	if err != nil {
		t.Fatal(err)
	}
	in := "exec \"$@\""
	if ns := os.Getenv(witnessNetns); ns != "" { // the host's side is in this network namespace
		in = "exec nsenter --net=" + ns + " \"$@\""
	}
	cmd := driver(t, name, spec, "sh", "-c", `trap "" HUP; `+in, "sh", strace, "-ff", "-o", out, "-v", "--pidns-translation", "-s", "1000000")
	cmd.Env = append(cmd.Env, environ...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	w.status = exitCode(t, onOneProcessor(t, cmd.Run))
	w.stderr = stderr.String()

	w.read(t, out)
	return w
}

// read reads what strace has written, to files with this prefix.
func (w *witness) read(t *testing.T, out string) {
	t.Helper()
	files, err := filepath.Glob(out + ".*")
	if err != nil || len(files) == 0 {
		t.Fatalf("strace has written nothing (%v):\n%s", err, w.stderr)
	}
	for _, name := range files {
		lines := readLines(t, name)
		for i, line := range lines {
			// A second one looks why the first has failed.
			if w.birth.name == "" && strings.HasPrefix(line, "clone3(") && strings.Contains(line, "CLONE_PIDFD") {
				w.birth, w.host, w.during = parseLine(t, line), lines[:i], lines[i+1:]
			}
		}
	}
	if w.birth.name == "" {
		t.Fatalf("strace saw no container born:\n%s", w.stderr)
	}
	w.child, w.forks = seen(t, out, w.birth.result)
	for _, line := range w.during {
		if strings.HasPrefix(line, "clone3(") && strings.Contains(line, "CLONE_PIDFD") {
			child, forks := seen(t, out, parseLine(t, line).result)
			w.hooks = append(w.hooks, witness{child: child, forks: forks})
		}
	}
}

// seen is what strace saw of a process and of those after it.
func seen(t *testing.T, out string, pid uint64) (child []traced, forks [][]traced) {
	t.Helper()
	child = parseChild(t, readLines(t, fmt.Sprintf("%s.%d", out, pid)))
	for calls := child; ; {
		fork := slices.IndexFunc(calls, func(c traced) bool { return c.name == "clone3" && c.errno == "" })
		if fork < 0 {
			return child, forks
		}
		pid := fmt.Sprint(calls[fork].result)
		if m := translated.FindStringSubmatch(calls[fork].line); m != nil {
			pid = m[1]
		}
		calls = parseChild(t, readLines(t, out+"."+pid))
		forks = append(forks, calls)
	}
}

// translated is the number of a process as strace knows it, where its parent has another.
var translated = regexp.MustCompile(`/\* (\d+) in strace's PID NS \*/$`)

// onOneProcessor runs a command, and all that it starts, on one processor: strace and
// what it traces never run at the same time, and in a guest it takes milliseconds to wake
// another processor up.
func onOneProcessor(t *testing.T, run func() error) error {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	for cpu := range len(all) * 64 {
		if all.IsSet(cpu) && one.Count() == 0 {
			one.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	err := run()
	if err := unix.SchedSetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	return err
}

func readLines(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func parseLine(t *testing.T, line string) traced {
	t.Helper()
	call, err := parseTraced(line)
	if err != nil {
		t.Fatal(err)
	}
	return call
}

// parseChild reads the calls of the first process up to the user's program, whose own
// calls are another matter. A signal stands as a call of this name, which no plan has;
// the last line, which says how the process ended, is no call.
func parseChild(t *testing.T, lines []string) (calls []traced) {
	t.Helper()
	forked, init := false, false
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "+++"):
			return calls
		case strings.Contains(line, "= ? ERESTART"):
			// The kernel begins it again by itself, as the write of a parameter of the network
			// when somebody else changes the network, and the next line is the call.
		case init: // its arguments are what has happened
			name, _, _ := strings.Cut(line, "(")
			calls = append(calls, traced{line: line, name: name})
		case strings.HasPrefix(line, "---"):
			calls = append(calls, traced{line: line, name: "signal"})
		default:
			call := parseLine(t, line)
			calls = append(calls, call)
			if call.name == "execve" && call.errno == "" {
				return calls
			}
			forked = forked || call.name == "clone3"
			init = forked && call.name == "execveat" && call.errno == ""
		}
	}
	return calls
}

// compare holds the whole plan against what was seen, with the given program as that
// of the container. It returns the operations of that program that were made.
func (w *witness) compare(child written) ([]int, error) {
	path, sources, err := w.compareProgram(w.plan.Clone, child)
	if err != nil {
		return path, err
	}
	if err := w.compareHooks(); err != nil {
		return path, err
	}
	return path, w.compareHost(sources)
}

// compareProgram is a birth and a program, which may be gone on with in other processes. It
// returns the operations that were made, and which descriptors the process was given.
func (w *witness) compareProgram(birth container.Birth, child written) ([]int, map[string]uint64, error) {
	first, err := birth.First()
	if err != nil {
		return nil, nil, err
	}
	firstWritten, err := writeDown(first)
	if err != nil {
		return nil, nil, err
	}
	pr := &process{calls: w.child, sources: map[string]uint64{}, buffers: map[*prog.Block]value{}}
	if err := pr.follow(firstWritten); err != nil {
		return nil, nil, fmt.Errorf("birth: %w", err)
	}
	if err := pr.follow(child); err != nil {
		return pr.path, nil, err
	}
	path := pr.path
	for _, calls := range w.forks {
		if err := pr.end(child.program); err != nil {
			return path, nil, err
		}
		fork := slices.IndexFunc(pr.path, func(i int) bool { return child.program.Op(i).Call == prog.Clone3 })
		pr.calls, pr.at = calls, 0
		err := pr.followFrom(child, pr.path[fork]+1)
		path = append(path, pr.path...)
		if err != nil {
			return path, nil, fmt.Errorf("the process that it has made: %w", err)
		}
	}
	if pr.at < len(pr.calls) {
		return path, nil, fmt.Errorf("the plan ends here, and strace saw more:\n%s", pr.calls[pr.at].line)
	}
	return path, pr.sources, nil
}

// compareHooks is the processes of the hooks that are commands: those of the plan, in its
// order, and each with its program.
func (w *witness) compareHooks() error {
	var steps []container.Step
	for _, list := range append(slices.Clone(w.plan.During), w.plan.After, w.plan.End) {
		for _, s := range list {
			if s.Program != nil {
				steps = append(steps, s)
			}
		}
	}
	if w.status == 200 { // one more process has looked why the start has failed
		return nil
	}
	if len(steps) != len(w.hooks) {
		return fmt.Errorf("the plan has %d hooks, and strace saw %d", len(steps), len(w.hooks))
	}
	for i, s := range steps {
		files := []prog.FD{{Name: "stdin"}, {Name: "stdout"}, {Name: "stderr"}, {Name: "alive"}}
		if s.Kind == container.CreateContainer || s.Kind == container.StartContainer {
			files = append(files, prog.FD{Name: "container"})
		}
		program, err := writeDown(s.Program)
		if err == nil {
			_, _, err = w.hooks[i].compareProgram(container.Birth{Files: files}, program)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.Origin, err)
		}
	}
	return nil
}

// end is the end of a process that has made another one, where its program has ended. If
// that was the execution of the init, the init's own calls follow. They are no part of a
// plan, since they answer what happens; but there are no others.
func (pr *process) end(p *prog.Program) error {
	if p.Op(pr.path[len(pr.path)-1]).Call == prog.Execveat {
		for pr.at < len(pr.calls) && slices.Contains(initCalls, pr.calls[pr.at].name) {
			pr.at++
		}
	}
	if pr.at < len(pr.calls) {
		return fmt.Errorf("a process ends here that has made another, and strace saw more:\n%s", pr.calls[pr.at].line)
	}
	return nil
}

var initCalls = []string{"prctl", "waitid", "wait4", "rt_sigtimedwait", "pidfd_send_signal", "exit_group"}

// compareHost is the host's side: its calls, their order, and that what they gave is
// what the container got.
func (w *witness) compareHost(sources map[string]uint64) error {
	at := 0
	for _, s := range w.plan.Before {
		if slices.Contains(cgroupSteps, s.Action) {
			continue
		}
		text, _, _ := strings.Cut(s.String(), "; ")
		given := sources[s.As.Name]
		if s.Action == container.OpenCgroup { // clone3 gets it, and nobody else
			given = w.cgroup()
		}
		want, err := parseTraced(text + " = 0")
		if err != nil {
			return err
		}
		for ; ; at++ {
			if at == len(w.host) {
				return fmt.Errorf("before: strace did not see %s, or not in this place", text)
			}
			if !strings.HasPrefix(w.host[at], want.name+"(") {
				continue
			}
			got, err := parseTraced(w.host[at])
			if err != nil || got.result != given {
				continue
			}
			// MFD_EXEC is left out before Linux 6.3, and not known to strace.
			if s.Action == container.OpenInit || sameValue(list(want.args), list(got.args)) == nil {
				break
			}
		}
	}
	if err := w.compareDuring(); err != nil {
		return err
	}
	want, err := parseTraced(w.plan.Clone.String() + " = 0")
	if err != nil {
		return err
	}
	// strace shows addresses and empty fields as well.
	seen := w.birth.args[0].(fields)
	for _, f := range want.args[0].(fields) {
		found := false
		for _, g := range seen {
			found = found || f == g
		}
		if !found {
			return fmt.Errorf("clone: %s is %v in the plan\nstrace: %s", f.name, f.value, w.birth.line)
		}
	}
	return nil
}

// cgroup is the descriptor that clone3 got, of the cgroup to be born in.
func (w *witness) cgroup() uint64 {
	for _, f := range w.birth.args[0].(fields) {
		if f.name == "cgroup" {
			n, _ := strconv.ParseUint(fmt.Sprint(f.value), 10, 64)
			return n
		}
	}
	return 0
}

// compareDuring is the host's side at the sync points: each file is opened and written,
// in this order, and no other file of the container's process is opened for writing.
func (w *witness) compareDuring() error {
	pid := strconv.FormatUint(w.birth.result, 10)
	// A signal of Go's scheduler may come between an open and its write.
	w.during = slices.DeleteFunc(w.during, func(line string) bool { return strings.HasPrefix(line, "---") })
	var want, got []string
	for _, steps := range w.plan.During {
		for _, s := range steps {
			if s.Action == container.RunHook || s.Action == container.ChangeNetwork { // [witness.compareHooks], and messages
				continue
			}
			if s.Action == container.KeepState {
				if !slices.ContainsFunc(w.during, func(line string) bool { return keeps.MatchString(line) }) {
					return fmt.Errorf("during: strace did not see %s", s)
				}
				continue
			}
			open, write, ok := strings.Cut(strings.Replace(s.String(), "PID", pid, 1), "; write ")
			if !ok {
				return fmt.Errorf("during: %s is no write", s)
			}
			want = append(want, open, write)
		}
	}
	for i, line := range w.during {
		open, fd, ok := strings.Cut(line, ") = ")
		if !ok || !strings.HasPrefix(open, "openat(") || !strings.Contains(open, "/proc/"+pid+"/") && !strings.Contains(open, "/cgroup.procs\"") || !strings.Contains(open, "O_WRONLY") {
			continue
		}
		// Go's runtime may have something else to do in between.
		for _, next := range w.during[i+1:] {
			if text, ok := strings.CutPrefix(next, "write("+fd+", "); ok {
				text, _, _ = strings.Cut(text, "\", ")
				got = append(got, open+")", text+"\"")
				break
			}
		}
	}
	if !slices.Equal(want, got) {
		return fmt.Errorf("during: the host's side\n%q\nstrace:\n%q", want, got)
	}
	return nil
}

// keeps is how the state gets its place.
var keeps = regexp.MustCompile(`^renameat2?\(\d+, "state.new", \d+, "state"`)

// inNamespaces is the directory of the namespaces of a process that has some of its
// own, for as long as the test runs.
func inNamespaces(t *testing.T, flags uintptr) string {
	t.Helper()
	busybox, err := nstest.Tool("busybox")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(busybox, "cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
	if flags&syscall.CLONE_NEWUSER != 0 {
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}
		if id := os.Geteuid(); id != 0 {
			ids = []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
		}
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = ids, ids
		cmd.SysProcAttr.GidMappingsEnableSetgroups = os.Geteuid() == 0
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return fmt.Sprintf("/proc/%d/ns/", cmd.Process.Pid)
}

func makeDir(t *testing.T, parts ...string) string {
	t.Helper()
	dir := filepath.Join(parts...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func makeFile(t *testing.T, parts ...string) string {
	t.Helper()
	name := filepath.Join(parts...)
	if err := os.WriteFile(name, []byte("of the host\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func symlink(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}
