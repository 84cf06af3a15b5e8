package clone_test

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/internal/nstest"
)

// child is a process in new namespaces that waits for the end of its input. What
// it has of these namespaces can be looked at in dir meanwhile.
type child struct {
	dir   string // /proc/PID
	stdin io.Closer
	cmd   *exec.Cmd
}

// start starts a child. Go makes it with CLONE_VM and CLONE_VFORK, unless it has a
// new user namespace.
func start(t *testing.T, flags uintptr) *child {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", "echo; read x")
	cmd.SysProcAttr = &unix.SysProcAttr{Cloneflags: flags}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{fmt.Sprintf("/proc/%d", cmd.Process.Pid), stdin, cmd}
	t.Cleanup(func() {
		c.stdin.Close()
		c.cmd.Wait() // read fails at the end of the input, so the status is 1
	})
	if _, err := bufio.NewReader(stdout).ReadByte(); err != nil {
		t.Fatalf("the child did not begin: %v", err)
	}
	return c
}

func ns(t *testing.T, dir string, typ clone.NamespaceType) string {
	t.Helper()
	link, err := os.Readlink(dir + "/ns/" + clone.NsName(typ))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// TestFlagsMakeNamespaces: a child with the flag of one type is in a namespace of
// its own of this type, and shares all the others.
func TestFlagsMakeNamespaces(t *testing.T) {
	nstest.Root(t)
	for _, typ := range clone.NamespaceTypes() {
		t.Run(string(typ), func(t *testing.T) {
			n := clone.Namespaces{{Type: typ}}
			c := start(t, n.CloneFlags())
			for _, other := range clone.NamespaceTypes() {
				same := ns(t, c.dir, other) == ns(t, "/proc/self", other)
				if same == (other == typ) {
					t.Errorf("%s: shared with the caller: %v", other, same)
				}
			}
		})
	}
}

func TestSupported(t *testing.T) {
	for _, typ := range clone.NamespaceTypes() {
		_, err := os.Readlink("/proc/self/ns/" + clone.NsName(typ))
		if got := clone.IsNamespaceSupported(typ); got != (err == nil) {
			t.Errorf("%s: %v, but %v", typ, got, err)
		}
	}
	if !clone.IsNamespaceSupported(clone.NEWNS) {
		t.Error("a kernel without mount namespaces?")
	}
}

// TestFrozenOffsets: what a plain fork has made cannot be set any more.
func TestFrozenOffsets(t *testing.T) {
	nstest.Root(t)
	if !clone.IsNamespaceSupported(clone.NEWTIME) {
		t.Skip("skipped: this kernel was built without time namespaces")
	}
	c := start(t, clone.NEWTIME.Flag()|clone.NEWUSER.Flag()) // which Go makes without CLONE_VM
	err := os.WriteFile(c.dir+"/timens_offsets", []byte("monotonic 1000 0\n"), 0)
	if !errors.Is(err, unix.EACCES) {
		t.Errorf("got %v, want EACCES", err)
	}
}

// TestKernelTakesIDMaps writes every map to a user namespace of its own: the
// kernel must agree with Validate, and show what Format wrote.
func TestKernelTakesIDMaps(t *testing.T) {
	nstest.Root(t)
	for _, r := range idMapRows {
		t.Run(r.name, func(t *testing.T) {
			if r.want != "" && len(r.m.Format()) == 4096 && os.Getpagesize() != 4096 {
				t.Skipf("skipped: pages of %d bytes take it", os.Getpagesize())
			}
			c := start(t, clone.NEWUSER.Flag())
			err := os.WriteFile(c.dir+"/uid_map", []byte(r.m.Format()), 0)
			if r.want != "" {
				if len(r.m) != 0 && !errors.Is(err, unix.EINVAL) {
					t.Errorf("the kernel says %v, want EINVAL", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(c.dir + "/uid_map")
			if err != nil {
				t.Fatal(err)
			}
			back, err := clone.ParseIDMaps(text)
			if err != nil {
				t.Fatal(err)
			}
			// It keeps more than five lines sorted, for a binary search.
			want := slices.Clone(r.m)
			slices.SortFunc(want, func(a, b clone.IDMap) int { return cmp.Compare(a.ContainerID, b.ContainerID) })
			if len(want) <= 5 {
				want = r.m
			}
			if !slices.Equal(back, want) {
				t.Errorf("the kernel shows %v, want %v", back, want)
			}
		})
	}
}
