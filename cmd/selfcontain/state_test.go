package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/selfcontain/runtime/container"
)

// someStates are two that differ in everything.
func someStates() []container.State {
	return []container.State{
		{
			Version: "1.3.0", ID: "a", Status: container.Running, Pid: 4711, Bundle: "/srv/a", Rootfs: "/srv/a/rootfs",
			Created: time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC), Annotations: map[string]string{"z": "last", "a\"b": "line\nbreak"}, Owner: 0,
		},
		{
			Version: "1.3.0", ID: "a-long-name-of-a-container", Status: container.Stopped, Bundle: "/srv/\x1b[31mä", Rootfs: "/",
			Created: time.Date(2026, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600)), Owner: 4711,
		},
	}
}

func names(uid int) string { return ownerIn("x:x:\nroot:x:0:0:root:/root:/bin/sh\n:x:4711:\n", uid) }

func TestStateJSON(t *testing.T) {
	s := someStates()
	const want = `{
  "ociVersion": "1.3.0",
  "id": "a",
  "pid": 4711,
  "status": "running",
  "bundle": "/srv/a",
  "rootfs": "/srv/a/rootfs",
  "created": "2026-02-03T04:05:06.000000007Z",
  "annotations": {
    "a\"b": "line\u000abreak",
    "z": "last"
  },
  "owner": "root"
}`
	got := string(appendState(nil, s[0], names(0), "  "))
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// It is what engines decode.
	var decoded specs.State
	if err := json.Unmarshal([]byte(got), &decoded); err != nil {
		t.Fatal(err)
	}
	if decoded.Pid != 4711 || decoded.Status != specs.StateRunning || decoded.ID != "a" || decoded.Version != "1.3.0" || decoded.Annotations["a\"b"] != "line\nbreak" {
		t.Errorf("%+v", decoded)
	}
}

func TestListFormats(t *testing.T) {
	s := someStates()
	const array = `[{"ociVersion":"1.3.0","id":"a","pid":4711,"status":"running","bundle":"/srv/a","rootfs":"/srv/a/rootfs","created":"2026-02-03T04:05:06.000000007Z","annotations":{"a\"b":"line\u000abreak","z":"last"},"owner":"root"},` +
		`{"ociVersion":"1.3.0","id":"a-long-name-of-a-container","pid":0,"status":"stopped","bundle":"/srv/\u001b[31mä","rootfs":"/","created":"2026-02-03T03:05:06Z","owner":"#4711"}]` + "\n"
	if got := statesJSON(s, names); got != array {
		t.Errorf("got  %s\nwant %s", got, array)
	}
	if got := statesJSON(nil, names); got != "[]\n" {
		t.Errorf("none: %s", got)
	}
	const table = `ID                           PID         STATUS      BUNDLE             CREATED                          OWNER
a                            4711        running     /srv/a             2026-02-03T04:05:06.000000007Z   root
a-long-name-of-a-container   0           stopped     "/srv/\x1b[31mä"   2026-02-03T03:05:06Z             #4711
`
	if got := statesTable(s, names); got != table {
		t.Errorf("got\n%s\nwant\n%s", got, table)
	}
	if got := statesTable(nil, names); got != "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n" {
		t.Errorf("none: %q", got)
	}
}

func TestPsFormats(t *testing.T) {
	if got := numbersJSON([]int{1, 22}) + numbersJSON(nil); got != "[1,22]\n[]\n" {
		t.Errorf("%q", got)
	}
	const all = "UID  PID PPID CMD\nroot   1    0 init\nroot  22    1 22 x\nx    222   22 y\nroot 3\n"
	for _, row := range []struct {
		table, want, wrong string
		pids               []int
	}{
		{all, "UID  PID PPID CMD\nroot  22    1 22 x\nroot 3\n", "", []int{3, 22}},
		{all, "UID  PID PPID CMD\n", "", nil},
		{"CMD\n22\n", "", "what ps(1) prints has no column PID: it needs one, such as of -o pid,comm", []int{22}},
		{" PID CMD\n\n  22", " PID CMD\n  22", "", []int{22}},
	} {
		got, err := linesOf(row.table, row.pids)
		if got != row.want || (err == nil) != (row.wrong == "") || err != nil && err.Error() != row.wrong {
			t.Errorf("%q: %q, %v", row.table, got, err)
		}
	}
}

func TestParseSignal(t *testing.T) {
	for text, want := range map[string]int{
		"9": 9, "0": 0, "64": 64, "KILL": 9, "SIGKILL": 9, "term": 15, "sigTerm": 15, "USR1": 10, "CHLD": 17, "WINCH": 28, "09": 9,
		"RTMIN": 34, "SIGRTMIN": 34, "RTMIN+3": 37, "SIGRTMAX-1": 63, "RTMAX": 64,
	} {
		if got, err := parseSignal(text); int(got) != want || err != nil {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "65", "-1", "+9", "SIG", "SIGSIGKILL", "FLY", "RTMIN-1", "RTMAX+1", "RTMIN3", "RTMIN+", "9 ", "1e1", "99999999999999999999"} {
		if got, err := parseSignal(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}
