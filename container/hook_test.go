package container_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// shHook is a hook that is a line of shell of the host's.
func shHook(script string) container.CommandHook {
	return container.CommandHook{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: []string{"PATH=/bin:/usr/bin", "HOOK=1"}, Timeout: 20 * time.Second}
}

// inHook is one of the container's root file system.
func inHook(script string) container.CommandHook {
	h := shHook(script)
	h.Env = []string{"PATH=/bin", "HOOK=1"}
	return h
}

// hookTypes are the namespaces of which every hook tells.
var hookTypes = []string{"mnt", "pid", "net", "ipc", "uts", "user", "cgroup"}

// describe is shell that tells where it runs.
const describe = `for n in mnt pid net ipc uts user cgroup; do readlink /proc/self/ns/$n; done; id -u; pwd; cat; echo`

// description is what a hook says of where it runs.
type description struct {
	namespaces map[string]string
	uid, pwd   string
	state      specs.State
	raw        string
}

func described(t *testing.T, file string) description {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(list) != len(hookTypes)+3 {
		t.Fatalf("%s:\n%s", file, text)
	}
	d := description{namespaces: map[string]string{}}
	for i, name := range hookTypes {
		d.namespaces[name] = list[i]
	}
	rest := list[len(hookTypes):]
	d.uid, d.pwd, d.raw = rest[0], rest[1], rest[2]
	decoder := json.NewDecoder(strings.NewReader(d.raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d.state); err != nil {
		t.Fatalf("the state %q: %v", d.raw, err)
	}
	return d
}

// TestHooksInTheirPlaces has a hook of each kind tell where it is and what it is told, and
// write its name to a file that all can reach.
func TestHooksInTheirPlaces(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	rows := []struct {
		name   string
		change func(*container.Spec)
	}{
		{"new namespaces", func(*container.Spec) {}},
		{"an init", func(s *container.Spec) { s.Init = true }},
		{"no pid namespace of its own", func(s *container.Spec) { s.Namespaces.Remove(clone.NEWPID) }},
		{"a root that is not exchanged", func(s *container.Spec) { s.Root.NoPivot = true }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { hooksInTheirPlaces(t, nstest.RootFS(t), row.change) })
	}
}

// TestHooksOfUsers does so in user namespaces that root and ordinary users have made, who
// cannot look into the container's process without its consent.
func TestHooksOfUsers(t *testing.T) {
	nstest.AnyProcessor(t)
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		hooksInTheirPlaces(t, rootFSFor(t), inUser(t))
	})
}

func hooksInTheirPlaces(t *testing.T, root string, change func(*container.Spec)) {
	t.Helper()
	bundle := filepath.Dir(root)
	made := filepath.Join(root, "tmp")
	for _, dir := range []string{made, bundle} {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(made, "order"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(made, "order"), 0o666); err != nil {
		t.Fatal(err)
	}
	hook := func(kind string) container.CommandHook {
		return shHook("echo " + kind + " >>" + made + "/order; exec >" + made + "/" + kind + "; " + describe)
	}
	spec := with(root, sh("echo program >>/tmp/order; "+strings.ReplaceAll(describe, "cat;", "")+"; read x"), func(s *container.Spec) {
		s.Bundle, s.Annotations = bundle, map[string]string{"a": "b"}
		s.Process.User = container.User{UID: 7, GID: 8}
		if os.Geteuid() == nobody.ID { // has one
			s.Process.User = container.User{}
		}
		start := inHook("echo startContainer >>/tmp/order; exec >/tmp/startContainer; " + describe)
		s.Hooks = container.Hooks{
			Prestart:        []container.Hook{hook("prestart")},
			CreateRuntime:   []container.Hook{hook("createRuntime")},
			CreateContainer: []container.Hook{hook("createContainer")},
			StartContainer:  []container.Hook{start},
			Poststart:       []container.Hook{hook("poststart")},
			Poststop:        []container.Hook{hook("poststop")},
		}
	}, change)
	plan := compile(t, spec)
	plan.State.ID = "some-id"
	in, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer hold.Close()
	p, err := plan.Start(container.Stdio{In: in})
	if err != nil {
		t.Fatal(err)
	}
	inside := map[string]string{}
	own := map[string]string{}
	for _, name := range hookTypes {
		for _, of := range []struct {
			list map[string]string
			pid  string
		}{{inside, strconv.Itoa(p.Pid())}, {own, "self"}} {
			if of.list[name], err = os.Readlink("/proc/" + of.pid + "/ns/" + name); err != nil {
				t.Fatal(err)
			}
		}
	}
	pid := p.Pid()
	nspid := pid
	if spec.Namespaces.Contains(clone.NEWPID) {
		nspid = 1
	}
	hold.Close()
	if status, err := p.Wait(); err != nil || status != 0 && status != exited(1) { // read's own at the end of its input
		t.Errorf("%#x, %v", int(status), err)
	}
	p.Close()
	if err := plan.Ended(); err != nil {
		t.Error(err)
	}
	host, user := strconv.Itoa(os.Geteuid()), strconv.Itoa(int(spec.Process.User.UID))
	for _, want := range []struct {
		kind       string
		namespaces map[string]string
		uid, pwd   string
		status     specs.ContainerState
		pid        int
	}{
		{"prestart", own, host, bundle, specs.StateCreating, pid},
		{"createRuntime", own, host, bundle, specs.StateCreating, pid},
		{"createContainer", inside, "0", bundle, specs.StateCreating, nspid},
		{"startContainer", inside, user, "/", specs.StateCreated, nspid},
		{"poststart", own, host, bundle, specs.StateRunning, pid},
		{"poststop", own, host, bundle, specs.StateStopped, 0},
	} {
		d := described(t, filepath.Join(made, want.kind))
		for _, name := range hookTypes {
			if d.namespaces[name] != want.namespaces[name] {
				t.Errorf("%s: the %s namespace is %s, want %s", want.kind, name, d.namespaces[name], want.namespaces[name])
			}
		}
		if d.uid != want.uid || d.pwd != want.pwd {
			t.Errorf("%s: user %s in %s, want %s in %s", want.kind, d.uid, d.pwd, want.uid, want.pwd)
		}
		state := specs.State{Version: specs.Version, ID: "some-id", Status: want.status, Pid: want.pid, Bundle: bundle, Annotations: map[string]string{"a": "b"}}
		if fmt.Sprint(d.state) != fmt.Sprint(state) {
			t.Errorf("%s: the state is %+v, want %+v", want.kind, d.state, state)
		}
	}
	text, err := os.ReadFile(filepath.Join(made, "order"))
	if err != nil {
		t.Fatal(err)
	}
	order := strings.Fields(string(text))
	behind := order[min(4, len(order)):]
	slices.Sort(behind[:max(0, len(behind)-1)]) // poststart and the program run at the same time
	if want := "prestart createRuntime createContainer startContainer poststart program poststop"; strings.Join(order, " ") != want {
		t.Errorf("the order is %v", order)
	}
}
