package container_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// guestEnv is set in a guest of the test bed, where all controllers are version 2's, and
// the groups above are nobody else's.
const guestEnv = "NSTEST_GUEST"

// groupFiles reads files of a container's cgroup.
func groupFiles(t testing.TB, path string, names ...string) map[string]string {
	t.Helper()
	values := make(map[string]string)
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(hierarchy(t), path, name))
		if err != nil {
			t.Fatal(err)
		}
		values[name] = strings.TrimSpace(string(text))
	}
	return values
}

// unified are limits that every group has, whatever its controllers.
func unified(pairs ...string) cgroupv2.Resources {
	m := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return cgroupv2.Resources{Unified: m}
}

// TestSet changes limits in every state of a container.
func TestSet(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	const depth, number = "cgroup.max.depth", "cgroup.max.descendants"
	spec := with(rootFSFor(t), grouped(t), sh(aliveFor))
	spec.Cgroup.Resources = unified(depth, "5")
	c := create(t, spec, container.CreateOptions{})
	has := func(about, d, n string) {
		t.Helper()
		want := map[string]string{depth: d, number: n}
		if got := groupFiles(t, spec.Cgroup.Path, depth, number); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", about, got, want)
		}
	}
	has("as it was created", "5", "max")
	if err := c.Set(unified(number, "7")); err != nil {
		t.Error(err)
	}
	has("set while it waits to be started", "5", "7")
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	if err := c.Set(unified(depth, "6")); err != nil {
		t.Error(err)
	}
	has("set while it runs", "6", "7")
	if err := c.Set(unified(number, "9", depth, "8", "cgroup.type", "threaded")); !errors.Is(err, container.ConfigInvalid) || !strings.Contains(err.Error(), `linux.resources.unified["cgroup.type"]: this file is not a limit`) {
		t.Errorf("what is no limit: %v", err)
	}
	has("one of them is no limit", "6", "7")
	if err := c.Set(unified(depth, "8", number, "many")); !errors.Is(err, unix.EINVAL) {
		t.Errorf("what the kernel refuses: %v", err)
	}
	has("the kernel refuses the second", "6", "7")
	if err := c.Set(cgroupv2.Resources{Unified: map[string]string{depth: "8"}, Devices: []cgroupv2.DeviceRule{{Type: "x"}}}); err == nil {
		t.Error("a device rule that is none is taken")
	}
	has("the device rule is none", "6", "7")
	if err := c.Pause(); err != nil {
		t.Error(err)
	}
	if err := c.Set(unified(number, "8")); err != nil {
		t.Error(err)
	}
	has("set while it is paused", "6", "8")
	if s, err := c.Stats(); err != nil || s.CPU.Usage <= 0 {
		t.Errorf("paused: it has used %v (%v)", s.CPU.Usage, err)
	}
	if err := c.Signal(unix.SIGKILL, true); err != nil {
		t.Error(err)
	}
	if _, err := c.Wait(); err != nil {
		t.Error(err)
	}
	if err := c.Set(unified(number, "1")); !errors.Is(err, container.ContainerNotRunning) || err.Error() != "c: container not running" {
		t.Errorf("set after its end: %v", err)
	}
	if s, err := c.Stats(); err != nil || s.CPU.Usage <= 0 {
		t.Errorf("after its end: it has used %v (%v)", s.CPU.Usage, err)
	}
	if _, err := c.NotifyOOM(t.Context()); err == nil {
		t.Error("who has ended is listened to")
	}
	trigger := cgroupv2.Trigger{Resource: "cpu", Stall: time.Second, Window: 2 * time.Second}
	if _, err := c.NotifyPressure(t.Context(), trigger); !errors.Is(err, container.ContainerNotRunning) {
		t.Errorf("pressure after its end: %v", err)
	}
	if err := c.Destroy(false); err != nil {
		t.Error(err)
	}
	if err := c.Set(unified(number, "1")); !errors.Is(err, container.ContainerNotExists) {
		t.Errorf("set after its destruction: %v", err)
	}
}

// TestSetDevices opens devices for which there is no driver: the error tells who refuses.
func TestSetDevices(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if !probe(t).DeviceFilters {
		t.Skip("skipped: this process may load no filter of devices")
	}
	in, out := pipes(t)
	said, say := pipes(t)
	spec := with(rootFSFor(t), grouped(t), sh("while read name; do cat /dev/$name 2>&1; done"))
	for i, name := range []string{"made", "one", "other"} {
		spec.Devices = append(spec.Devices, mounts.Device{Path: "/dev/" + name, Type: "c", Major: 240 + uint32(i), Minor: 7})
	}
	spec.Process.Stdin, spec.Process.Stdout = in, say
	spec.Cgroup.Resources.Devices = []cgroupv2.DeviceRule{{Type: "c", Major: 241, Minor: cgroupv2.Any}, {Type: "c", Major: 242, Minor: cgroupv2.Any}}
	c := create(t, spec, container.CreateOptions{})
	in.Close()
	say.Close()
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(said)
	opens := func(about string, want ...string) {
		t.Helper()
		for i, name := range []string{"made", "one", "other"} {
			if _, err := fmt.Fprintln(out, name); err != nil {
				t.Fatal(err)
			}
			line, err := lines.ReadString('\n')
			if err != nil || !strings.HasSuffix(line, want[i]+"\n") {
				t.Errorf("%s: /dev/%s: %q (%v), want %q", about, name, line, err, want[i])
			}
		}
	}
	const refused, open = "Operation not permitted", "No such device or address"
	opens("as it was created", open, refused, refused)
	deny := cgroupv2.DeviceRule{Type: "c", Major: 242, Minor: cgroupv2.Any}
	if err := c.Set(cgroupv2.Resources{Devices: []cgroupv2.DeviceRule{deny}}); err != nil {
		t.Fatal(err)
	}
	opens("the rules are others", open, open, refused)
	if err := c.Set(cgroupv2.Resources{Unified: map[string]string{"cgroup.max.depth": "x"}, Devices: []cgroupv2.DeviceRule{{Type: "a", Major: cgroupv2.Any, Minor: cgroupv2.Any}}}); err == nil {
		t.Error("x is a number")
	}
	opens("what else was asked for is wrong", open, open, refused)
	if err := c.Set(unified("cgroup.max.depth", "5")); err != nil {
		t.Fatal(err)
	}
	opens("rules are not asked for", open, open, refused)
}

// TestLimitsThatAreDamaged keep nobody from looking at the container, nor from its destruction.
func TestLimitsThatAreDamaged(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := filepath.Join(t.TempDir(), "state")
	c, err := container.Create(root, "c", with(rootFSFor(t), grouped(t), sh(aliveFor)), container.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "c", "limits")
	for range 2 {
		if err := c.Set(unified("cgroup.max.depth", "5")); err != nil {
			t.Error(err)
		}
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, damaged := range [][]byte{nil, whole[:len(whole)/2], append([]byte("x"), whole...)} {
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := c.Set(unified("cgroup.max.depth", "6")); err == nil || !strings.Contains(err.Error(), file+": it is not ") {
				t.Errorf("with %q: %v", damaged, err)
			}
			statusIs(t, c, container.Created)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Set(unified("cgroup.max.depth", "6")); err == nil || !strings.Contains(err.Error(), "it is no regular file") {
		t.Errorf("with a FIFO: %v", err)
	}
	if err := c.Destroy(true); err != nil {
		t.Error(err)
	}
}

func TestSetWithoutCgroup(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	c := create(t, with(rootFSFor(t), sh(aliveFor)), container.CreateOptions{})
	if err := c.Set(unified("cgroup.max.depth", "1")); !errors.Is(err, container.NoProcessOps) || !strings.Contains(err.Error(), "it has no cgroup of its own") {
		t.Errorf("set: %v", err)
	}
	if _, err := c.Stats(); !errors.Is(err, container.NoProcessOps) {
		t.Errorf("stats: %v", err)
	}
	if _, err := c.NotifyOOM(t.Context()); !errors.Is(err, container.NoProcessOps) {
		t.Errorf("oom: %v", err)
	}
}

// TestSetTogether sets, pauses and looks from many sides, first for a while and then until
// the container is destroyed: nobody waits for ever, and changes do not mix.
func TestSetTogether(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	const depth, number = "cgroup.max.depth", "cgroup.max.descendants"
	spec := with(rootFSFor(t), grouped(t), sh(aliveFor))
	c := create(t, spec, container.CreateOptions{})
	from := func(side int, goOn func(n int, err error) bool) {
		for n := 0; ; n++ {
			value := fmt.Sprint(10*side + n%10)
			for _, do := range []func() error{
				func() error { return c.Set(unified(depth, value, number, value)) },
				c.Pause, c.Resume,
				func() error { _, err := c.Stats(); return err },
			} {
				if !goOn(n, do()) {
					return
				}
			}
		}
	}
	rounds := 5
	if testing.Short() {
		rounds = 1
	}
	var all sync.WaitGroup
	for side := range 4 {
		all.Go(func() {
			from(side, func(n int, err error) bool {
				if err != nil && !errors.Is(err, container.ContainerPaused) && !errors.Is(err, container.ContainerNotPaused) {
					t.Error(err)
				}
				return n < rounds
			})
		})
	}
	all.Wait()
	if got := groupFiles(t, spec.Cgroup.Path, depth, number); got[depth] != got[number] {
		t.Errorf("two changes are mixed: %v", got)
	}
	var begun sync.WaitGroup
	begun.Add(4)
	for side := range 4 {
		all.Go(func() {
			first := sync.OnceFunc(begun.Done)
			from(side, func(_ int, err error) bool {
				first()
				// The latter two are read in a group that is just being removed.
				if err != nil && !mayBe(err) && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENOENT) {
					t.Error(err)
				}
				// Destroy ends it before it has the lock, which these would hold in turns for ever.
				return !errors.Is(err, container.ContainerNotExists) && !errors.Is(err, container.ContainerNotRunning)
			})
		})
	}
	begun.Wait()
	if err := c.Destroy(true); err != nil {
		t.Error(err)
	}
	all.Wait()
}

// TestPressureIsNotified lets many processes wait for the processor.
func TestPressureIsNotified(t *testing.T) {
	nstest.Root(t)
	if testing.Short() {
		t.Skip("skipped: the kernel looks every two seconds")
	}
	script := "for i in 1 2 3 4 5 6 7 8; do while :; do :; done & done; wait"
	c := create(t, with(rootFSFor(t), grouped(t), sh(script)), container.CreateOptions{})
	_, err := c.NotifyPressure(t.Context(), cgroupv2.Trigger{Resource: "weather", Stall: time.Second, Window: 2 * time.Second})
	if err == nil || !strings.Contains(err.Error(), `pressure of "weather": want cpu, memory or io`) {
		t.Errorf("of the weather: %v", err)
	}
	pressure, err := c.NotifyPressure(t.Context(), cgroupv2.Trigger{Resource: "cpu", Stall: 100 * time.Millisecond, Window: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	other, err := c.NotifyPressure(ctx, cgroupv2.Trigger{Resource: "io", Full: true, Stall: 2 * time.Second, Window: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	if _, ok := <-pressure; !ok {
		t.Error("the channel is closed, and the container runs")
	}
	if s, err := c.Stats(); err != nil || s.CPUPressure == nil || s.CPUPressure.Some.Total < 100*time.Millisecond {
		t.Errorf("the statistics: %+v (%v)", s.CPUPressure, err)
	}
	cancel()
	if _, ok := <-other; ok {
		t.Error("there was pressure of io")
	}
	if err := c.Signal(unix.SIGKILL, false); err != nil {
		t.Error(err)
	}
	for range pressure { // it ends with the container
	}
}

// limitedHere skips where controllers would have to be enabled in groups of others.
func limitedHere(t *testing.T) {
	t.Helper()
	nstest.Root(t)
	if os.Getenv(guestEnv) == "" {
		t.Skip("skipped: to enable controllers in the groups of others is for a guest of the test bed")
	}
}

// TestUpdateKeepsTheRest sets limits one after the other and reads all of them each time.
func TestUpdateKeepsTheRest(t *testing.T) {
	nstest.AnyProcessor(t)
	limitedHere(t)
	const m = 1 << 20
	pids, idle, burst := int64(20), int64(1), uint64(1000)
	spec := with(rootFSFor(t), grouped(t), sh(aliveFor))
	spec.Cgroup.Resources = cgroupv2.Resources{
		Memory: cgroupv2.Memory{Limit: 64 * m, Swap: 96 * m}, CPU: cgroupv2.CPU{Quota: 20000, Period: 50000}, Pids: &pids,
	}
	c := create(t, spec, container.CreateOptions{})
	now := map[string]string{
		"memory.max": fmt.Sprint(64 * m), "memory.swap.max": fmt.Sprint(32 * m), "memory.low": "0",
		"cpu.max": "20000 50000", "cpu.max.burst": "0", "cpu.idle": "0", "pids.max": "20",
	}
	names := []string{"memory.max", "memory.swap.max", "memory.low", "cpu.max", "cpu.max.burst", "cpu.idle", "pids.max"}
	for _, row := range []struct {
		about   string
		set     cgroupv2.Resources
		changes []string
		wrong   string
	}{
		{"as it was created", cgroupv2.Resources{}, nil, ""},
		{"memory takes of what it has together with swap", cgroupv2.Resources{Memory: cgroupv2.Memory{Limit: 80 * m}}, []string{"memory.max", fmt.Sprint(80 * m), "memory.swap.max", fmt.Sprint(16 * m)}, ""},
		{"both together, alone", cgroupv2.Resources{Memory: cgroupv2.Memory{Swap: 160 * m}}, []string{"memory.swap.max", fmt.Sprint(80 * m)}, ""},
		{"memory above both", cgroupv2.Resources{Memory: cgroupv2.Memory{Limit: 200 * m, Reservation: 10 * m}}, nil, "linux.resources.memory.swap: "},
		{"a reservation", cgroupv2.Resources{Memory: cgroupv2.Memory{Reservation: 10 * m}}, []string{"memory.low", fmt.Sprint(10 * m)}, ""},
		{"a period keeps the quota", cgroupv2.Resources{CPU: cgroupv2.CPU{Period: 100000}}, []string{"cpu.max", "20000 100000"}, ""},
		{"a quota keeps the period", cgroupv2.Resources{CPU: cgroupv2.CPU{Quota: 30000}}, []string{"cpu.max", "30000 100000"}, ""},
		{"a burst", cgroupv2.Resources{CPU: cgroupv2.CPU{Burst: &burst}}, []string{"cpu.max.burst", "1000"}, ""},
		{"processes, and a weight that the kernel refuses", cgroupv2.Resources{Pids: new(int64), CPU: cgroupv2.CPU{Shares: 2048, Cpus: "999"}}, nil, "linux.resources.cpu.cpus: "},
		{"idle", cgroupv2.Resources{CPU: cgroupv2.CPU{Idle: &idle}}, []string{"cpu.idle", "1"}, ""},
		{"a weight leaves it idle", cgroupv2.Resources{CPU: cgroupv2.CPU{Shares: 512}}, nil, ""},
		{"and no memory limit", cgroupv2.Resources{Memory: cgroupv2.Memory{Limit: -1}}, []string{"memory.max", "max", "memory.swap.max", "max"}, ""},
	} {
		err := c.Set(row.set)
		if (err == nil) != (row.wrong == "") || err != nil && !strings.HasPrefix(err.Error(), row.wrong) {
			t.Errorf("%s: %v", row.about, err)
		}
		for i := 0; i < len(row.changes); i += 2 {
			now[row.changes[i]] = row.changes[i+1]
		}
		if got := groupFiles(t, spec.Cgroup.Path, names...); !maps.Equal(got, now) {
			t.Errorf("%s:\n got %v\nwant %v", row.about, got, now)
		}
	}
}

// TestTooLittleToBeBorn is what the limits say of which a container does not come to be.
func TestTooLittleToBeBorn(t *testing.T) {
	nstest.AnyProcessor(t)
	limitedHere(t)
	one := int64(1)
	full := fmt.Sprintf("/selfcontain-test-%d", os.Getpid())
	h, err := cgroupv2.Find()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	above, err := h.Create(full)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(above.RemoveEmpty(), above.Close()); err != nil {
			t.Error(err)
		}
	}()
	files, err := (&cgroupv2.Resources{Unified: map[string]string{"pids.max": "0"}}).Files()
	if err == nil {
		err = above.Set(files)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		about  string
		change func(*container.Spec)
		is     error
		want   string
	}{
		{"a page of memory", func(s *container.Spec) {
			s.Cgroup.Path, s.Cgroup.Resources.Memory = full+"-memory", cgroupv2.Memory{Limit: 4096, Swap: 4096}
		}, unix.ENOMEM, "linux.resources.memory.limit may be too low: the cgroup has reached its 4096 bytes"},
		{"one process, which makes another", func(s *container.Spec) {
			inUser(t)(s)
			s.Cgroup.Path, s.Cgroup.Resources.Pids = full+"-one", &one
		}, unix.EAGAIN, "linux.resources.pids.limit is 1, and the container is made by two: it has to be 2 or more"},
		{"no process, in a group above", func(*container.Spec) {}, unix.EAGAIN, full + " has as many processes as its pids.max allows"},
	} {
		_, err := container.Create(t.TempDir(), "c", with(rootFSFor(t), grouped(t), sh(aliveFor), row.change), container.CreateOptions{})
		if !errors.Is(err, row.is) || !strings.HasSuffix(err.Error(), row.want) {
			t.Errorf("%s: it says %v, want %v: %s", row.about, err, row.is, row.want)
		}
	}
}

// TestNoProcesses is a limit under which the container itself could not be born.
func TestNoProcesses(t *testing.T) {
	nstest.AnyProcessor(t)
	limitedHere(t)
	for _, row := range []struct {
		about  string
		change func(*container.Spec)
	}{
		{"as engines ask for it", func(*container.Spec) {}},
		{"in a user namespace, which a process more makes", inUser(t)},
	} {
		t.Run(row.about, func(t *testing.T) {
			said, say := pipes(t)
			spec := with(rootFSFor(t), row.change, grouped(t), sh("echo started; /bin/true; echo forked"))
			none := int64(0)
			spec.Cgroup.Resources.Pids = &none
			spec.Process.Stdout = say
			c := create(t, spec, container.CreateOptions{})
			say.Close()
			if got := groupFiles(t, spec.Cgroup.Path, "pids.max")["pids.max"]; got != "0" {
				t.Errorf("pids.max is %s", got)
			}
			if err := c.Exec(); err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(said); string(text) != "started\n" || err != nil {
				t.Errorf("it said %q (%v)", text, err)
			}
		})
	}
	held, err := container.Hold(filepath.Join(t.TempDir(), "state"), "c", with(rootFSFor(t), grouped(t), func(s *container.Spec) {
		none := int64(0)
		s.Cgroup.Resources.Pids = &none
	}), container.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Release(); err != nil {
		t.Error(err)
	}
	if _, err := held.Wait(); err != nil {
		t.Error(err)
	}
	if err := held.Destroy(true); err != nil {
		t.Error(err)
	}
}

// TestOOMIsNotified runs out of memory in a container: first a child of its first process,
// then that one.
func TestOOMIsNotified(t *testing.T) {
	nstest.AnyProcessor(t)
	limitedHere(t)
	in, out := pipes(t)
	said, say := pipes(t)
	spec := with(rootFSFor(t), grouped(t), sh("tail /dev/zero; echo $?; read line; exec tail /dev/zero"))
	spec.Cgroup.Resources.Memory = cgroupv2.Memory{Limit: 16 << 20, Swap: 16 << 20}
	spec.Process.Stdin, spec.Process.Stdout = in, say
	c := create(t, spec, container.CreateOptions{})
	in.Close()
	say.Close()
	oom, err := c.NotifyOOM(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	other, err := c.NotifyOOM(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for range other { // it ends without the container
	}
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	e, ok := <-oom // one event for the kill, though the kernel has counted before
	if !ok || e.OOMKill == 0 {
		t.Fatalf("the first event: %+v, %v", e, ok)
	}
	text := make([]byte, 4)
	if _, err := io.ReadFull(said, text); string(text) != "137\n" || err != nil {
		t.Errorf("the child ended with %q (%v)", text, err)
	}
	statusIs(t, c, container.Running)
	s, err := c.Stats()
	if err != nil || s.Memory == nil || s.Memory.Events.OOMKill == 0 || s.Memory.Max != 16<<20 || s.Memory.Current == 0 || s.Memory.Current > 16<<20 || s.CPU.Usage <= 0 {
		t.Errorf("the statistics: %+v, %+v (%v)", s.Memory, s.CPU, err)
	}
	before := e.OOMKill
	out.Close()
	events := 0
	for e = range oom { // the last word is that of its end
		events++
	}
	if e.OOMKill != before+1 || events != 1 {
		t.Errorf("%d were killed, then %d, in %d events", before, e.OOMKill, events)
	}
	if status, err := c.Wait(); err != nil || status.Signal() != unix.SIGKILL {
		t.Errorf("status %#x (%v)", int(status), err)
	}
}
