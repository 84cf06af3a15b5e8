package nsexec_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

var stores = []nsexec.Store{nsexec.StoreMemfd, nsexec.StoreTmpfs, nsexec.StoreFile}

// needsStore skips the test where the store is not for this user.
func needsStore(t testing.TB, s nsexec.Store) {
	t.Helper()
	if s == nsexec.StoreTmpfs {
		nstest.Root(t)
	}
}

// procPath is a file of a process below /proc.
func procPath(p *nsexec.Process, name string) string {
	return fmt.Sprintf("/proc/%d/%s", p.Pid(), name)
}

// waiting is an image that stops at a sync point, where look is called.
func waiting(t testing.TB, store nsexec.Store, look func(p *nsexec.Process)) {
	t.Helper()
	im := image(t, 0, func(b *prog.Builder, control prog.FD) {
		nsexec.EmitSync(b, control, "the image can be looked at")
		exit(b, 7)
	})
	p := start(t, nsexec.Config{Image: im, Store: store, Sync: []func(*nsexec.Process) error{
		func(p *nsexec.Process) error { look(p); return nil },
	}})
	if status := wait(t, p); status != exited(7) {
		t.Errorf("status %#x, want exit 7", int(status))
	}
}

func TestStores(t *testing.T) {
	// What /proc/PID/exe says of a file in each of them.
	want := map[nsexec.Store]string{
		nsexec.StoreMemfd: "/memfd:selfcontain (deleted)",
		nsexec.StoreTmpfs: "/selfcontain",
		nsexec.StoreFile:  " (deleted)",
	}
	for _, store := range stores {
		t.Run(store.String(), func(t *testing.T) {
			needsStore(t, store)
			waiting(t, store, func(p *nsexec.Process) {
				exe, err := os.Readlink(procPath(p, "exe"))
				if err != nil || !strings.HasSuffix(exe, want[store]) {
					t.Errorf("/proc/PID/exe is %q (%v), want ...%q", exe, err, want[store])
				}
			})
		})
	}
}

// writeTo tries to write to a file by a path, and to change it in the other ways that
// there are.
func writeTo(path string) error {
	for _, flags := range []int{unix.O_RDWR, unix.O_WRONLY, unix.O_WRONLY | unix.O_TRUNC} {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		_, write := unix.Pwrite(fd, []byte("changed"), 0x140)
		truncate := unix.Ftruncate(fd, 0)
		grow := unix.Ftruncate(fd, 1<<20)
		_, mmap := unix.Mmap(fd, 0, 4096, unix.PROT_WRITE, unix.MAP_SHARED)
		unix.Close(fd)
		if write == nil || truncate == nil || grow == nil || mmap == nil {
			return fmt.Errorf("opened with %#x: write %v, truncate %v, grow %v, mmap %v: want errors", flags, write, truncate, grow, mmap)
		}
	}
	if err := unix.Truncate(path, 0); err == nil {
		return errors.New("truncate succeeds")
	}
	return nil
}

// TestImageCannotBeWritten tries it as root, from outside, while the image is being
// executed, and afterwards, when somebody has kept it open and the kernel does not
// protect it as a running program any more.
func TestImageCannotBeWritten(t *testing.T) {
	for _, store := range stores {
		t.Run(store.String(), func(t *testing.T) {
			needsStore(t, store)
			cannotBeWritten(t, store)
		})
	}
}

func cannotBeWritten(t *testing.T, store nsexec.Store) {
	t.Helper()
	var kept *os.File
	var before []byte
	waiting(t, store, func(p *nsexec.Process) {
		var err error
		if kept, err = os.Open(procPath(p, "exe")); err != nil {
			t.Error(err)
			return
		}
		if before, err = io.ReadAll(kept); err != nil {
			t.Error(err)
		}
		if err := writeTo(procPath(p, "exe")); err != nil {
			t.Errorf("while it runs: %v", err)
		}
	})
	defer kept.Close()
	if store == nsexec.StoreFile && os.Geteuid() == 0 {
		return // root may write to it by now, and nobody will execute it again
	}
	if err := writeTo(fmt.Sprintf("/proc/self/fd/%d", kept.Fd())); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	after := make([]byte, len(before)+1)
	n, err := kept.ReadAt(after, 0)
	if err != io.EOF || string(after[:n]) != string(before) || n < 0x1000 {
		t.Errorf("%d bytes before, %d after (%v): not the same", len(before), n, err)
	}
}

// TestImageIsForEveryUser executes the image as a user whom it does not belong to, as a
// process in a user namespace with another mapping does. It has no report there and so
// exits with 125, which shows that it was executed.
func TestImageIsForEveryUser(t *testing.T) {
	nstest.Root(t)
	for _, store := range stores {
		t.Run(store.String(), func(t *testing.T) {
			waiting(t, store, func(p *nsexec.Process) {
				exe, err := os.Open(procPath(p, "exe"))
				if err != nil {
					t.Error(err)
					return
				}
				defer exe.Close()
				cmd := osexec.Command("/proc/self/fd/3")
				cmd.ExtraFiles = []*os.File{exe}
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
				err = cmd.Run()
				var exit *osexec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != 125 {
					t.Errorf("executed by uid 65534: %v, want exit status 125", err)
				}
			})
		})
	}
}

func TestStoreUnderMemfdNoexec(t *testing.T) {
	nstest.Root(t)
	nstest.Kernel(t, 6, 3, "vm.memfd_noexec")
	rows := []struct {
		level string
		want  string
	}{
		{"0", "/memfd:selfcontain (deleted)"},
		{"1", "/memfd:selfcontain (deleted)"},
		{"2", "/selfcontain"},
	}
	if !inOwnPIDNamespace(t) {
		return
	}
	for _, row := range rows { // rising: the kernel refuses to lower it
		t.Run(row.level, func(t *testing.T) {
			if err := os.WriteFile("/proc/sys/vm/memfd_noexec", []byte(row.level), 0); err != nil {
				t.Fatal(err)
			}
			waiting(t, nsexec.StoreAuto, func(p *nsexec.Process) {
				exe, err := os.Readlink(procPath(p, "exe"))
				if err != nil || exe != row.want {
					t.Errorf("/proc/PID/exe is %q (%v), want %q", exe, err, row.want)
				}
			})
		})
	}
	// And without the fallback the error says what refused.
	im := image(t, 0, func(b *prog.Builder, _ prog.FD) { exit(b, 0) })
	_, err := nsexec.Start(nsexec.Config{Image: im, Store: nsexec.StoreMemfd})
	if !errors.Is(err, unix.EACCES) {
		t.Fatalf("a memfd under vm.memfd_noexec=2: %v, want EACCES", err)
	}
	contains(t, err.Error(), "no image in a memfd: memfd_create: permission denied")
}

// inOwnPIDNamespace is true in a subprocess with pid and mount namespace and /proc of
// its own, in which the settings of a pid namespace can be changed.
func inOwnPIDNamespace(t *testing.T) bool {
	t.Helper()
	const child = "NSEXEC_TEST_PID_NAMESPACE"
	if os.Getenv(child) != "" {
		return true
	}
	if !nstest.Subprocess(t, nstest.PrivateMounts()) {
		return false
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := osexec.Command(busybox(t), "sh", "-c", `busybox mount -t proc proc /proc && exec "$@"`, "sh",
		self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), child+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in a pid namespace: %v\n%s", err, out)
	}
	t.Logf("in a pid namespace:\n%s", out)
	return false
}

// TestOrdinaryUserWithoutMemfd is the last resort: a file without a name. It needs a
// directory that is not mounted noexec.
func TestOrdinaryUserWithoutMemfd(t *testing.T) {
	if !asOrdinaryUser(t) {
		return
	}
	cannotBeWritten(t, nsexec.StoreFile)
	im := image(t, 0, func(b *prog.Builder, _ prog.FD) { exit(b, 0) })
	_, err := nsexec.Start(nsexec.Config{Image: im, Store: nsexec.StoreTmpfs})
	if !errors.Is(err, unix.EPERM) {
		t.Fatalf("a tmpfs without CAP_SYS_ADMIN: %v, want EPERM", err)
	}
	contains(t, err.Error(), "no image in a tmpfs: image in a tmpfs: fsopen: operation not permitted")
}

func TestUnknownStore(t *testing.T) {
	im := image(t, 0, func(b *prog.Builder, _ prog.FD) { exit(b, 0) })
	_, err := nsexec.Start(nsexec.Config{Image: im, Store: 77})
	if err == nil {
		t.Fatal("store 77 was taken")
	}
	contains(t, err.Error(), "store 77")
}
