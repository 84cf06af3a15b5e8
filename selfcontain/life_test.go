package selfcontain_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/selfcontain"
)

// exits holds the outcome of a program against a status.
func exits(t *testing.T, about string, err error, want int) {
	t.Helper()
	var exit *selfcontain.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == want:
	case err == nil && want == 0:
	default:
		t.Errorf("%s: %v, want the status %d", about, err, want)
	}
}

// TestLife goes through the life of a container.
func TestLife(t *testing.T) {
	nstest.AnyProcessor(t)
	c := config(t)
	shared := filepath.Join(filepath.Dir(c.Data), "shared")
	if err := os.Mkdir(shared, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(shared)
	c.Mounts = map[string]string{shared: "/mnt/from-outside"}
	box := get(t, c)
	if err := box.Exec([]string{"exit", "0"}); !errors.Is(err, container.ContainerNotRunning) {
		t.Errorf("Exec before Run: %v", err)
	}
	if _, err := box.GetNS(clone.NEWNET); !errors.Is(err, container.ContainerNotRunning) {
		t.Errorf("GetNS before Run: %v", err)
	}
	if err := box.Stop(); err != nil {
		t.Errorf("Stop before Run: %v", err)
	}
	for range 2 {
		if err := box.Run(); err != nil {
			t.Fatal(err)
		}
	}
	testNamespaces(t, box)
	files := []string{"/var/lib/file", "/etc/selfcontain-test", "/usr/selfcontain-test", "/tmp/file", "/mnt/from-outside/file"}
	exits(t, "write", box.Exec(append([]string{"write"}, files...)), 0)
	exits(t, "status", box.Exec([]string{"exit", "3"}), 3)
	exits(t, "from another handle", get(t, c).Exec(append([]string{"read"}, files...)), 0)
	if !testing.Short() { // it waits a second, in which a container of somebody who was killed ends
		if err := get(t, c).Start([]string{"hold"}); !errors.Is(err, container.IDInUse) {
			t.Errorf("Start by who has not brought it up: %v", err)
		}
	}
	if _, err := os.Stat(filepath.Join(shared, "file")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("/usr/selfcontain-test"); err == nil {
		t.Error("a change is one of the machine")
	}
	if err := box.Start([]string{"hold"}); err != nil {
		t.Fatal(err)
	}
	if err := box.Start([]string{"hold"}); !errors.Is(err, container.ContainerNotStopped) {
		t.Errorf("a second main process: %v", err)
	}
	for range 2 {
		if err := box.Stop(); err != nil {
			t.Error(err)
		}
	}
	if err := box.Start([]string{"signalled"}); err != nil {
		t.Fatal(err)
	}
	exits(t, "what stays", box.Exec(append([]string{"read"}, files[:3]...)), 0)
	exits(t, "what does not", box.Exec([]string{"read", files[3]}), 200)
	if err := get(t, c).Stop(); err != nil { // by another one
		t.Error(err)
	}
	exits(t, "a main process that ends", selfcontain.RunWithArgs(c, []string{"exit", "4"}), 4)
	if err := box.Destroy(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Data are left (%v)", err)
	}
	exits(t, "after Destroy there are no data", selfcontain.RunWithArgs(c, []string{"read", files[0]}), 200)
}

// TestExtras has a device and a capability that a container does not have by itself.
func TestExtras(t *testing.T) {
	nstest.AnyProcessor(t)
	c := config(t)
	device := filepath.Join(filepath.Dir(c.Data), "device")
	defer os.Remove(device)
	if err := unix.Mknod(device, unix.S_IFBLK|0o600, int(unix.Mkdev(7, 0))); err != nil { // loop0, which may have nothing in it
		t.Fatal(err)
	}
	c.Devices, c.Capabilities = []string{device}, []string{"SYS_TIME"}
	exits(t, "as it is asked for", selfcontain.RunWithArgs(c, []string{"extras", device}), 0)
	c.Devices, c.Capabilities = nil, nil
	exits(t, "and as it is not", selfcontain.RunWithArgs(c, []string{"extras", device}), 1)
}

// testNamespaces joins those of a container.
func testNamespaces(t *testing.T, box *selfcontain.Container) {
	t.Helper()
	for _, typ := range []clone.NamespaceType{clone.NEWNS, clone.NEWPID, clone.NEWUTS, clone.NEWIPC, clone.NEWNET, clone.NEWCGROUP} {
		name, err := box.GetNS(typ)
		if err != nil {
			t.Error(err)
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := unix.IoctlRetInt(int(f.Fd()), unix.NS_GET_NSTYPE)
		if err != nil || uintptr(got) != typ.Flag() {
			t.Errorf("%s is of type %#x (%v), want %s", name, got, err, typ)
		}
		f.Close()
	}
	if _, err := box.GetNS(clone.NEWUSER); err == nil || !strings.Contains(err.Error(), "none of its own") {
		t.Errorf("the users are the machine's: %v", err)
	}
}

// TestRefused asks for what cannot be.
func TestRefused(t *testing.T) {
	nstest.AnyProcessor(t)
	good := config(t)
	get(t, good)
	for _, row := range []struct {
		about string
		with  func(*selfcontain.Config)
		want  string
	}{
		{"no name", func(c *selfcontain.Config) { c.Name = "" }, "Name: "},
		{"a name that is a path", func(c *selfcontain.Config) { c.Name = "a/b" }, "Name: "},
		{"a name that is no host name", func(c *selfcontain.Config) { c.Name = strings.Repeat("n", 65) }, "Name: "},
		{"no data", func(c *selfcontain.Config) { c.Data = "" }, "Data: "},
		{"data in a relative directory", func(c *selfcontain.Config) { c.Data = "data" }, "Data: "},
		{"the data of another one", func(c *selfcontain.Config) { c.Name = "other" }, "has the data of the container " + good.Name},
		{"an unknown capability", func(c *selfcontain.Config) { c.Capabilities = []string{"CAP_FLY"} }, "Capabilities: "},
		{"a relative device", func(c *selfcontain.Config) { c.Devices = []string{"null"} }, "Devices: "},
		{"a mount on the root", func(c *selfcontain.Config) { c.Mounts = map[string]string{"/usr": "/"} }, `Mounts["/usr"]: `},
		{"two mounts in one place", func(c *selfcontain.Config) { c.Mounts = map[string]string{"/usr": "/x", "/etc": "/x/"} }, "is there already, from "},
		{"an address without a master", func(c *selfcontain.Config) { c.GW = net.IPv6loopback }, "Master: it is empty"},
		{"a master of no name", func(c *selfcontain.Config) { c.Master = "sixteen-letters-" }, "Master, IP, GW: "},
		{"an address without a mask", func(c *selfcontain.Config) { c.Master, c.IP.IP = "m", net.IPv4(192, 0, 2, 1) }, "IP: 192.0.2.1: "},
	} {
		c := *good
		row.with(&c)
		if _, err := selfcontain.Get(&c); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q in it", row.about, err, row.want)
		}
	}
	if _, err := selfcontain.Get(nil); err == nil {
		t.Error("Get of nothing")
	}
	for _, row := range []struct {
		with func(*selfcontain.Config)
		want string
	}{
		{func(c *selfcontain.Config) { c.Devices = []string{"/etc/passwd"} }, "Devices: /etc/passwd: it is no device file"},
		{func(c *selfcontain.Config) { c.Mounts = map[string]string{"/none": "/x"} }, `Mounts["/none"]`},
		{func(c *selfcontain.Config) { c.Master = "none-such" }, "none-such"},
	} {
		c := *good
		row.with(&c)
		if err := selfcontain.RunWithArgs(&c, []string{"exit", "0"}); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%v, want %q in it", err, row.want)
		}
	}
	exits(t, "nothing is left of them", selfcontain.RunWithArgs(good, []string{"exit", "0"}), 0)
}

// TestLogger brings a container up without one of the capabilities that it should have, and is
// told of that.
func TestLogger(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: what the thread gives up it does not get back
	if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_RESOURCE, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	c := config(t)
	var told []string
	c.Logger = funcr.New(func(prefix, args string) { told = append(told, prefix+": "+args) }, funcr.Options{})
	if err := get(t, c).Run(); err != nil {
		t.Fatal(err)
	}
	isIt := func(line string) bool {
		return strings.HasPrefix(line, "selfcontain: ") && strings.Contains(line, "CAP_SYS_RESOURCE: not in the bounding set of the caller") &&
			strings.Contains(line, fmt.Sprintf("%q=%q", "container", c.Name))
	}
	if !slices.ContainsFunc(told, isIt) {
		t.Errorf("what is said is\n%s\nand nothing of the capability", strings.Join(told, "\n"))
	}
}
