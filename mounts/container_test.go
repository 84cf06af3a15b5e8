package mounts_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// look makes the tree over a root directory of the host, runs a shell script in it and
// returns what that printed. An error is of the program that made the tree. What more
// adds is done before the tree becomes the process's own.
func look(t *testing.T, root string, tree mounts.Tree, script string, more ...func(*prog.Builder)) (string, error) {
	t.Helper()
	tree.Root, tree.Null = prog.FD{Num: 3, Name: "root"}, prog.FD{Num: 4, Name: "null"}
	return run(t, tree, script, []int{detached(t, root), detached(t, "/dev/null")}, more...)
}

// run makes the tree, for which it hands descriptors down from 3 on, runs a shell script
// in it and returns what that printed. An error is of the program that made the tree.
func run(t *testing.T, tree mounts.Tree, script string, fds []int, more ...func(*prog.Builder)) (string, error) {
	t.Helper()
	in, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	process, r, err := start(t, tree, script, in, fds, more...)
	if err != nil {
		return "", err
	}
	defer process.Close()
	defer r.Close()
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := process.Wait(); err != nil {
		t.Fatal(err)
	}
	return string(out), nil
}

// start is run up to the start of the script, whose output can be read then.
func start(t *testing.T, tree mounts.Tree, script string, in *os.File, fds []int, more ...func(*prog.Builder)) (*nsexec.Process, *os.File, error) {
	t.Helper()
	var b prog.Builder
	nsexec.Begin(&b, 3+len(fds))
	b.Add(prog.Op{Call: prog.Umask, Args: prog.Args{prog.Int(0)}})
	if _, err := mounts.EmitTree(&b, &tree); err != nil {
		t.Fatal(err)
	}
	for _, f := range more {
		f(&b)
	}
	if err := mounts.EmitPivot(&b, tree); err != nil {
		t.Fatal(err)
	}
	nsexec.EmitCloseOnExec(&b, 3)
	b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{
		prog.Str("/bin/busybox"), prog.Strings([]string{"sh", "-c", script}), prog.Strings([]string{"PATH=/bin"}),
	}})
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	image, err := nsexec.NewImage(p)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	files := []prog.FD{{Num: int(in.Fd())}, {Num: int(w.Fd())}, {Num: int(w.Fd())}}
	for _, fd := range fds {
		files = append(files, prog.FD{Num: fd})
	}
	process, err := nsexec.Start(nsexec.Config{
		Image:      image,
		Namespaces: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP,
		Files:      files,
	})
	w.Close()
	if err != nil {
		r.Close()
		var op *nsexec.OpError
		if !errors.As(err, &op) {
			t.Fatal(err)
		}
		return nil, nil, err
	}
	return process, r, nil
}

// detached is a copy of what is at a path of the host, attached nowhere.
func detached(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		t.Fatalf("open_tree %s: %v", path, err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// asUser runs the calling test once more as an ordinary user, who is root in a user
// namespace of his own with nobody else in it, and reports true there.
func asUser(t *testing.T) bool {
	t.Helper()
	if !nstest.Subprocess(t, nstest.As(ordinary)) {
		return false
	}
	if os.Getuid() == 0 {
		return true
	}
	nstest.UserNS(t)
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = os.Environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	t.Logf("in a user namespace:\n%s", out)
	if err != nil {
		t.Fatal(err)
	}
	return false
}

// expect runs look and compares what the script printed, line by line.
func expect(t *testing.T, root string, tree mounts.Tree, script, want string) {
	t.Helper()
	got, err := look(t, root, tree, script)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("the script\n%s\nprinted\n%s\nwant\n%s", script, got, want)
	}
}

var (
	proc  = mounts.Mount{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}}
	dev   = mounts.Mount{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}}
	sysfs = mounts.Mount{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}}
)

// usual are the mounts that every engine asks for.
func usual() []mounts.Mount {
	return []mounts.Mount{
		proc, dev,
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		sysfs,
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime", "ro"}},
	}
}

// refused makes the tree and expects an error that says want.
func refused(t *testing.T, root string, tree mounts.Tree, want string) {
	t.Helper()
	out, err := look(t, root, tree, "echo the container runs")
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q; output %q", err, want, out)
	}
}

// write makes a file of the host, with the directories above it.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// symlink makes a symbolic link, instead of what is there.
func symlink(t *testing.T, to, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// mountinfo prints mount point, attributes, type and source of every mount, and the
// propagation where it is not private.
const mountinfo = `while read id parent dev root point opts rest; do
	tags=${rest%%- *}; rest=${rest#*- }; set -- $rest
	echo $point $opts $1 $2 $tags
done </proc/self/mountinfo | sed 's/ext4 [^ ]*/DISK/'
`

// sortedFields splits a line of a mount point and its attributes, and sorts these.
func sortedFields(line string) []string {
	fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' })
	if len(fields) > 1 {
		slices.Sort(fields[1:])
	}
	return fields
}
