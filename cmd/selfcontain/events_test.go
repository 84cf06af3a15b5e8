package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// The words and units of a line, which programs read.
func TestEventData(t *testing.T) {
	p := &cgroupv2.Pressure{Some: cgroupv2.Stall{Avg10: 1.5, Total: 3 * time.Millisecond}}
	s := cgroupv2.Stats{
		CPU: cgroupv2.CPUStats{Usage: 3 * time.Microsecond, User: 2 * time.Microsecond, System: time.Microsecond, Periods: 5, Throttled: 4, ThrottledTime: time.Millisecond},
		Memory: &cgroupv2.MemoryStats{
			Current: 100, Max: 200, Peak: 150, SwapCurrent: 10, SwapMax: 50, Stat: map[string]uint64{"anon": 60, "file": 40},
			Events: cgroupv2.MemoryEvents{Low: 1, High: 2, Max: 3, OOM: 4, OOMKill: 5, OOMGroupKill: 6},
		},
		Pids: &cgroupv2.PidsStats{Current: 3, Max: 10},
		IO: map[cgroupv2.DeviceID]cgroupv2.IOStats{
			{Major: 254, Minor: 16}: {Reads: 1}, {Major: 8}: {ReadBytes: 1, WriteBytes: 2, DiscardBytes: 3, Reads: 4, Writes: 5, Discards: 6},
		},
		Hugepages:   map[string]cgroupv2.HugepageStats{"2MB": {Current: 2, Max: 4, Failures: 1}},
		CPUPressure: p, MemoryPressure: p, IOPressure: p,
	}
	const psi = `"psi":{"some":{"avg10":1.5,"avg60":0,"avg300":0,"total":3000},"full":{"avg10":0,"avg60":0,"avg300":0,"total":0}}`
	for _, row := range []struct {
		s    cgroupv2.Stats
		want string
	}{
		{s, `{"type":"stats","id":"a","data":{` +
			`"cpu":{"usage":{"total":3000,"kernel":1000,"user":2000},"throttling":{"periods":5,"throttledPeriods":4,"throttledTime":1000000},` + psi + `},` +
			`"memory":{"cache":40,"usage":{"limit":200,"usage":100,"max":150,"failcnt":0},"swap":{"limit":250,"usage":110,"failcnt":0},` +
			`"kernel":{"limit":0,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":0},"raw":{"anon":60,"file":40},` + psi + `,` +
			`"event_count":{"low":1,"high":2,"max":3,"oom":4,"oom_kill":5,"oom_group_kill":6}},` +
			`"pids":{"current":3,"limit":10},` +
			`"blkio":{"ioServiceBytesRecursive":[{"major":8,"op":"Read","value":1},{"major":8,"op":"Write","value":2},{"major":8,"op":"Discard","value":3},` +
			`{"major":254,"minor":16,"op":"Read"},{"major":254,"minor":16,"op":"Write"},{"major":254,"minor":16,"op":"Discard"}],` +
			`"ioServicedRecursive":[{"major":8,"op":"Read","value":4},{"major":8,"op":"Write","value":5},{"major":8,"op":"Discard","value":6},` +
			`{"major":254,"minor":16,"op":"Read","value":1},{"major":254,"minor":16,"op":"Write"},{"major":254,"minor":16,"op":"Discard"}],` + psi + `},` +
			`"hugetlb":{"2MB":{"usage":2,"failcnt":1}}}}`},
		{cgroupv2.Stats{Memory: &cgroupv2.MemoryStats{Max: cgroupv2.Max, SwapMax: 5}, Pids: &cgroupv2.PidsStats{Max: cgroupv2.Max}},
			`{"type":"stats","id":"a","data":{"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},` +
				`"memory":{"usage":{"limit":18446744073709551615,"failcnt":0},"swap":{"limit":18446744073709551615,"failcnt":0},` +
				`"kernel":{"limit":0,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":0},` +
				`"event_count":{"low":0,"high":0,"max":0,"oom":0,"oom_kill":0,"oom_group_kill":0}},"pids":{},"blkio":{},"hugetlb":{}}}`},
	} {
		got, err := json.Marshal(event{Type: statsEvent, ID: "a", Data: dataOf(&container.Stats{Stats: row.s})})
		if string(got) != row.want || err != nil {
			t.Errorf("got  %s (%v)\nwant %s", got, err, row.want)
		}
	}
	if got, err := json.Marshal(event{Type: oomEvent, ID: "a"}); string(got) != `{"type":"oom","id":"a"}` || err != nil {
		t.Errorf("%s (%v)", got, err)
	}
}

// line reads an event.
func line(t *testing.T, r *bufio.Reader) (e event) {
	t.Helper()
	text, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

// stream starts a command whose lines are read one by one. Its end is that of the reader,
// and then of the function.
func stream(t *testing.T, c *exec.Cmd) (*bufio.Reader, func() result) {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	c.Stderr = &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return bufio.NewReader(out), func() result {
		t.Helper()
		if _, err := io.Copy(io.Discard, out); err != nil {
			t.Error(err)
		}
		return result{status: statusOf(t, c.Wait()), stderr: stderr.String()}
	}
}

func TestEvents(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	if os.Getenv("NSTEST_GUEST") != "" {
		t.Skip("skipped: this is about the command; in a guest limits are read back and felt")
	}
	dir := bundle(t, shell("exec sleep 1000 </dev/null >/dev/null 2>&1")...)
	global, end := alive(t, dir)
	defer end()
	r := do(t, command(t, append(global, "events", "--stats", "ctr")...))
	once := line(t, bufio.NewReader(strings.NewReader(r.stdout)))
	if r.status != 0 || r.stderr != "" || strings.Count(r.stdout, "\n") != 1 || once.Type != "stats" || once.ID != "ctr" || once.Data.CPU.Usage.Total <= 0 || once.Data.CPU.Pressure == nil {
		t.Errorf("once: %+v", r)
	}
	lines, wait := stream(t, command(t, append(global, "events", "--interval", "5ms", "ctr")...))
	for range 3 {
		e := line(t, lines)
		if e.Type != "stats" || e.ID != "ctr" || e.Data.CPU.Usage.Total < once.Data.CPU.Usage.Total {
			t.Errorf("%+v", e)
		}
	}
	if r := do(t, command(t, append(global, "kill", "ctr", "KILL")...)); r != (result{}) {
		t.Errorf("%+v", r)
	}
	// A kernel whose memory is in a hierarchy of version 1 has no word of it.
	if r := wait(); r.status != 0 || r.stderr != "" && !strings.Contains(r.stderr, "warning: it is not told when memory runs out: cgroup /: no controller memory") {
		t.Errorf("its end: %+v", r)
	}
	for args, want := range map[string]string{
		"events ctr":              "ctr: container not running",
		"events --stats ctr":      "ctr: container not running",
		"events other":            "other: container does not exist",
		"events":                  "events: the id of the container is missing",
		"events --interval 0 ctr": `events: --interval 0s: want more than 0`,
		"events --interval x ctr": `events: invalid value "x" for flag -interval: parse error`,
		"events --none ctr":       "events: flag provided but not defined: -none",
	} {
		if r := do(t, command(t, append(global, strings.Fields(args)...)...)); (r != result{status: 1, stderr: "selfcontain: " + want + "\n"}) {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

// TestEventsOfMemory lets a container run out of memory: it is told at once, since no
// interval ends here, and told as well when it is its end.
func TestEventsOfMemory(t *testing.T) {
	guest(t)
	dir := bundle(t, shell("exec >/dev/null 2>&1; exec </go; read line; exec tail /dev/zero")...)
	fifo := filepath.Join(dir, "rootfs", "go")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	global, end := alive(t, dir)
	defer end()
	for _, args := range []string{"update --memory 16m --memory-swap 16m --pids-limit 50 ctr", "exec ctr true"} {
		if r := do(t, command(t, append(global, strings.Fields(args)...)...)); r != (result{}) {
			t.Fatalf("%s: %+v", args, r)
		}
	}
	lines, wait := stream(t, command(t, append(global, "events", "--interval", "1h", "ctr")...))
	// When it has begun to listen the next process that is killed for want of memory is told.
	told := make(chan event)
	go func() {
		defer close(told)
		for {
			var e event
			text, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				t.Errorf("%s: %v", text, err)
			}
			told <- e
		}
	}()
	for heard := false; !heard; {
		if r := do(t, command(t, append(global, "exec", "ctr", "tail", "/dev/zero")...)); r.status != 137 {
			t.Fatalf("%+v", r)
		}
		select {
		case e := <-told:
			heard = true
			if e.Type != "oom" || e.ID != "ctr" || e.Data != nil {
				t.Errorf("%+v", e)
			}
		default:
		}
	}
	r := do(t, command(t, append(global, "events", "--stats", "ctr")...))
	s := line(t, bufio.NewReader(strings.NewReader(r.stdout))).Data
	if m := s.Memory; r.status != 0 || m.Usage.Limit != 16<<20 || m.Usage.Usage == 0 || m.Usage.Usage > 16<<20 || m.Swap.Limit != 16<<20 || m.Events.Kill == 0 || m.Usage.Max <= m.Usage.Usage || m.Raw["pgfault"] == 0 {
		t.Errorf("the statistics: %+v", r)
	}
	if s.Pids.Limit != 50 || s.Pids.Current == 0 {
		t.Errorf("processes: %+v", r)
	}
	if err := os.WriteFile(fifo, []byte("go\n"), 0); err != nil {
		t.Fatal(err)
	}
	last := event{}
	for e := range told {
		last = e
	}
	if r := wait(); r != (result{}) || last.Type != "oom" {
		t.Errorf("its end: %+v, and then %+v", last, r)
	}
}
