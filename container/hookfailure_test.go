package container_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
)

// kinds are those of hooks, and a function that gives a container one.
var kinds = []struct {
	name string
	of   func(*container.Hooks) *[]container.Hook
}{
	{"prestart", func(h *container.Hooks) *[]container.Hook { return &h.Prestart }},
	{"createRuntime", func(h *container.Hooks) *[]container.Hook { return &h.CreateRuntime }},
	{"createContainer", func(h *container.Hooks) *[]container.Hook { return &h.CreateContainer }},
	{"startContainer", func(h *container.Hooks) *[]container.Hook { return &h.StartContainer }},
	{"poststart", func(h *container.Hooks) *[]container.Hook { return &h.Poststart }},
	{"poststop", func(h *container.Hooks) *[]container.Hook { return &h.Poststop }},
}

// TestHooksThatFail is what a user reads about a hook that has failed. A container is
// ended by it and its poststop hooks are told; those that fail themselves keep nobody from
// the next.
func TestHooksThatFail(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := nstest.RootFS(t)
	bundle := t.TempDir()
	hang := shHook("echo before; sleep 1000 & wait")
	hang.Timeout = nstest.Slower(200 * time.Millisecond)
	rows := []struct {
		name string
		hook container.Hook
		want string
		is   error
	}{
		{"a status", shHook("echo one; echo two >&2; exit 3"), `/bin/sh: it ended with status 3; it said "one\ntwo"`, nil},
		{"a signal", shHook("kill -TERM $$"), `/bin/sh: it was killed by SIGTERM`, nil},
		{"no end", hang, `/bin/sh: it has not ended within ` + hang.Timeout.String() + `; it said "before"`, nil},
		{"no file", container.CommandHook{Path: "/bin/there-is-none"}, `/bin/there-is-none: op N execve "/bin/there-is-none" (hooks.KIND[0]): no such file or directory: there is no such file, or its interpreter is missing`, unix.ENOENT},
		{"more output than anybody reads", shHook(`s=x; while [ ${#s} -lt 200000 ]; do s=$s$s; done; echo $s; exit 1`), `/bin/sh: it ended with status 1; it said "`, nil},
		{"an error of a function", container.HookFunc(func(*container.State) error { return errOfHook }), errOfHook.Error(), errOfHook},
	}
	for _, kind := range kinds {
		for _, row := range rows {
			if testing.Short() && row.name == "no end" && kind.name != "createRuntime" {
				continue
			}
			t.Run(kind.name+", "+row.name, func(t *testing.T) {
				ended := filepath.Join(t.TempDir(), "ended")
				spec := with(root, sh("exec sleep 1000"), func(s *container.Spec) {
					s.Bundle = bundle
					*kind.of(&s.Hooks) = []container.Hook{row.hook}
					s.Hooks.Poststop = append(s.Hooks.Poststop, shHook("echo x >>"+ended))
				})
				plan := compile(t, spec)
				var err error
				if kind.name == "poststop" {
					err = plan.Ended()
				} else {
					var p interface{ Pid() int }
					if p, _, err = begin(t, plan); err == nil {
						t.Fatalf("process %d was started", p.Pid())
					}
				}
				want := "hooks." + kind.name + "[0]: " + strings.ReplaceAll(row.want, "KIND", kind.name)
				if err == nil || !strings.HasPrefix(opNumber.ReplaceAllString(err.Error(), "op N "), want) {
					t.Errorf("got  %v\nwant %s", err, want)
				} else if len(err.Error()) > 10000 || strings.Contains(err.Error(), "\n") {
					t.Errorf("%d bytes in more than a line: %q", len(err.Error()), err)
				}
				if row.is != nil && !errors.Is(err, row.is) {
					t.Errorf("%v is not %v", err, row.is)
				}
				if text, err := os.ReadFile(ended); err != nil || string(text) != "x\n" {
					t.Errorf("the other poststop hook has written %q, %v", text, err)
				}
			})
		}
	}
}

var errOfHook = errors.New("no, because of \"this\"")

// TestGroupOfHookEnds has hooks start a process, and looks what becomes of that: it ends
// with a hook that fails or takes too long, and with a start that fails later; it lives on
// after a success.
func TestGroupOfHookEnds(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	root := nstest.RootFS(t)
	alone := func(h container.CommandHook) error { return h.Run(&container.State{Bundle: "/"}) }
	start := func(args ...string) func(container.CommandHook) error {
		return func(h container.CommandHook) error {
			spec := with(root, func(s *container.Spec) {
				s.Bundle, s.Process.Args, s.Hooks.CreateRuntime = "/", args, []container.Hook{h}
			})
			_, _, err := runPlan(t, compile(t, spec))
			return err
		}
	}
	for _, row := range []struct {
		name, script string
		timeout      time.Duration
		run          func(container.CommandHook) error
		lives        bool
	}{
		{"a hook that fails", "exit 1", time.Minute, alone, false},
		{"a hook that takes too long", "wait", nstest.Slower(200 * time.Millisecond), alone, false},
		{"a hook that succeeds", "exit 0", time.Minute, alone, true},
		{"a start that fails later", "exit 0", time.Minute, start("/bin/none"), false},
		{"a start that succeeds", "exit 0", time.Minute, start("/bin/true"), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pid")
			h := shHook("sleep 1000 & echo $! >" + file + "; " + row.script)
			h.Timeout = row.timeout
			if err := row.run(h); (err == nil) != row.lives {
				t.Fatal(err)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			fd, err := unix.PidfdOpen(pid, 0)
			if err == unix.ESRCH && !row.lives {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			ends := func(wait int) bool {
				n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, wait)
				return err == nil && n == 1
			}
			if !row.lives {
				if !ends(10000) {
					t.Errorf("process %d lives on", pid)
				}
			} else if ends(0) {
				t.Error("it has ended")
			}
			if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
				t.Error(err)
			}
			ends(-1)
		})
	}
}

// TestHookRefusals is what a user reads about hooks that cannot be called.
func TestHookRefusals(t *testing.T) {
	some := []container.Hook{container.CommandHook{Path: "/bin/true"}}
	for _, row := range []struct {
		name   string
		host   string
		change func(*container.Spec)
		want   string
	}{
		{"a relative path", "6.12-root", func(s *container.Spec) {
			s.Hooks.Poststop = []container.Hook{container.CommandHook{Path: "/a"}, container.CommandHook{Path: "true"}}
		}, `hooks.poststop[1].path: "true": want an absolute path`},
		{"a variable without a name", "6.12-root", func(s *container.Spec) {
			s.Hooks.Prestart = []container.Hook{container.CommandHook{Path: "/a", Env: []string{"A"}}}
		}, `hooks.prestart[0].env[0]: "A": want NAME=VALUE`},
		{"a NUL", "6.12-root", func(s *container.Spec) {
			s.Hooks.Prestart = []container.Hook{&container.CommandHook{Path: "/a", Args: []string{"a\x00"}}}
		}, `hooks.prestart[0]: "a\x00" holds a NUL`},
		{"a time below 0", "6.12-root", func(s *container.Spec) {
			s.Hooks.Poststart = []container.Hook{container.CommandHook{Path: "/a", Timeout: -1}}
		}, `hooks.poststart[0].timeout: -1ns: want a time above 0`},
		{"nothing", "6.12-root", func(s *container.Spec) { s.Hooks.CreateRuntime = []container.Hook{nil} }, `hooks.createRuntime[0]: there is nothing to call`},
		{"no bundle", "6.12-root", func(s *container.Spec) { s.Bundle, s.Hooks.Poststop = "", some }, `bundle: "": want an absolute path, where hooks can run`},
		{"an overlay as the root", "6.12-root", func(s *container.Spec) {
			s.Root, s.Hooks.CreateContainer = container.Root{Overlay: &mounts.Overlay{Lower: []string{"/a"}}}, some
		}, `hooks.createContainer: the root is an overlay, which has no directory on the host where a hook could find it`},
		{"a pid namespace of others", "6.12-user", func(s *container.Spec) {
			s.Namespaces, s.Hooks.StartContainer = clone.Namespaces{{Type: clone.NEWNS}, {Type: clone.NEWPID, Path: "/proc/1/ns/pid"}}, some
		}, `hooks: hooks in the container's namespaces, where a user or pid namespace is joined, need CAP_SYS_PTRACE: without, whoever is in there could look into the container's process meanwhile`},
	} {
		t.Run(row.name, func(t *testing.T) {
			spec := bare("/srv/root", "/bin/true")
			spec.Bundle = "/srv"
			row.change(&spec)
			host := hostOf(t, strings.TrimSuffix(row.host, "-user")+map[bool]string{true: "-root"}[strings.HasSuffix(row.host, "-user")])
			if strings.HasSuffix(row.host, "-user") {
				host.UID, host.Capabilities.Effective, host.Capabilities.Permitted = 1000, 0, 0
			}
			if _, err := container.Compile(spec, host); err == nil || err.Error() != row.want {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
		})
	}
}

// TestHooksAsJSON writes hooks down and reads them again. A function is not written.
func TestHooksAsJSON(t *testing.T) {
	h := container.Hooks{
		Prestart:        []container.Hook{container.CommandHook{Path: "/a", Args: []string{"a", "b"}, Env: []string{"X=1"}, Timeout: 1500 * time.Millisecond}},
		CreateRuntime:   []container.Hook{container.HookFunc(func(*container.State) error { return nil })},
		CreateContainer: []container.Hook{container.CommandHook{Path: "/c"}},
		StartContainer:  []container.Hook{container.CommandHook{Path: "/s"}},
		Poststart:       []container.Hook{container.CommandHook{Path: "/p"}},
		Poststop:        []container.Hook{container.CommandHook{Path: "/x"}, container.CommandHook{Path: "/y"}},
	}
	text, err := json.Marshal(container.Spec{Hooks: h})
	if err != nil {
		t.Fatal(err)
	}
	var again container.Spec
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	h.CreateRuntime = nil
	if !reflect.DeepEqual(again.Hooks, h) {
		t.Errorf("%s\nis %+v", text, again.Hooks)
	}
	if err := json.Unmarshal([]byte(`{"startup": []}`), &h); err == nil || err.Error() != "hooks.startup: there is no such kind of hook" {
		t.Error(err)
	}
}
