package container_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestHooksOfALife creates, starts and destroys containers with hooks, the latter two as
// another process would, which has only what was written down.
func TestHooksOfALife(t *testing.T) {
	nstest.Root(t)
	rootfs := nstest.RootFS(t)
	fails := shHook("echo no; exit 4")
	in := inHook("echo no; exit 4")
	rows := []struct {
		name                 string
		change               func(*container.Hooks)
		create, start, warns string // what they say, the beginning of it
		order                string
	}{
		{"all is well", func(*container.Hooks) {}, "", "", "", "prestart creating,createRuntime creating,createContainer creating,created,startContainer created,poststart running,poststop stopped"},
		{"a createRuntime hook that fails", func(h *container.Hooks) { h.CreateRuntime = append(h.CreateRuntime, fails) },
			"hooks.createRuntime[1]: /bin/sh: it ended with status 4", "", "", "prestart creating,createRuntime creating,poststop stopped"},
		{"a createContainer hook that fails", func(h *container.Hooks) { h.CreateContainer = append(h.CreateContainer, fails) },
			"hooks.createContainer[1]: /bin/sh: it ended with status 4", "", "", "prestart creating,createRuntime creating,createContainer creating,poststop stopped"},
		{"a startContainer hook that fails", func(h *container.Hooks) { h.StartContainer = append(h.StartContainer, in) },
			"", "hooks.startContainer[1]: /bin/sh: it ended with status 4", "", "prestart creating,createRuntime creating,createContainer creating,created,startContainer created,poststop stopped"},
		{"a poststart hook that is not there", func(h *container.Hooks) { h.Poststart = append(h.Poststart, container.CommandHook{Path: "/none"}) },
			"", "hooks.poststart[1]: /none: op ", "", "prestart creating,createRuntime creating,createContainer creating,created,startContainer created,poststart running,poststop stopped"},
		{"a poststop hook that fails", func(h *container.Hooks) { h.Poststop = append([]container.Hook{fails}, h.Poststop...) },
			"", "", "hooks.poststop[0]: /bin/sh: it ended with status 4", "prestart creating,createRuntime creating,createContainer creating,created,startContainer created,poststart running,poststop stopped"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			dir, states := t.TempDir(), t.TempDir()
			order := filepath.Join(dir, "order")
			tell := func(kind, file string) []container.Hook {
				return []container.Hook{shHook(`echo ` + kind + ` $(sed 's/.*"status":"\([^"]*\)".*/\1/') >>` + file)}
			}
			spec := with(rootfs, func(s *container.Spec) {
				s.Process.Args = []string{"/bin/sleep", "1000"}
				s.Mounts = append(s.Mounts, mountOf("/home", dir))
				s.Hooks = container.Hooks{
					Prestart: tell("prestart", order), CreateRuntime: tell("createRuntime", order), CreateContainer: tell("createContainer", order),
					StartContainer: tell("startContainer", "/home/order"), Poststart: tell("poststart", order), Poststop: tell("poststop", order),
				}
				row.change(&s.Hooks)
			})
			begins := func(what string, err error, want string) {
				t.Helper()
				if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
					t.Errorf("%s: got %v, want %q", what, err, want)
				}
			}
			spec.Bundle = dir
			made, err := container.Create(states, "some-id", spec, container.CreateOptions{})
			begins("create", err, row.create)
			if err == nil {
				note(t, order, "created")
				c, err := container.Load(states, "some-id")
				if err != nil {
					t.Fatal(err)
				}
				begins("start", c.Exec(), row.start)
				if status, err := c.Status(); err != nil || (row.start == "") != (status == container.Running) {
					t.Errorf("it is %s, %v", status, err)
				}
				var warned []string
				c.Warn = func(texts []string) { warned = append(warned, texts...) }
				if err := c.Destroy(true); err != nil {
					t.Error(err)
				}
				if got := strings.Join(warned, "\n"); !strings.HasPrefix(got, row.warns) || (got == "") != (row.warns == "") {
					t.Errorf("warned %q, want %q", got, row.warns)
				}
				if _, err := made.Wait(); err != nil {
					t.Error(err)
				}
			}
			if left, err := os.ReadDir(states); err != nil || len(left) > 0 {
				t.Errorf("%v is left, %v", left, err)
			}
			text, err := os.ReadFile(order)
			if err != nil && !errors.Is(err, unix.ENOENT) {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", ","); got != row.order {
				t.Errorf("the order is\n%s, want\n%s", got, row.order)
			}
		})
	}
}

// note appends a line to a file.
func note(t *testing.T, file, line string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(line + "\n"); err != nil {
		t.Fatal(err)
	}
}
