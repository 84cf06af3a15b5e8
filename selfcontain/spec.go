package selfcontain

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
)

// What lies in Data: the upper directory of the root's overlay and the one that it works
// in, and /var/lib.
const (
	upperName = "upper"
	workName  = "work"
	libName   = "lib"
)

// varLib is the one directory of the container whose file system is no overlay.
const varLib = "/var/lib"

// programPath is where the container has the current program.
const programPath = "/run/selfcontain/program"

// machine is what has to be known of the machine besides a [container.Host].
type machine struct {
	Mounts  []container.MountPoint
	Devices []mounts.Device // of Config.Devices
	Program string          // the current program
}

// look asks the machine.
func (c *Config) look() (m machine, err error) {
	if m.Mounts, err = container.MountPoints(); err != nil {
		return m, err
	}
	for _, name := range c.Devices {
		var st unix.Stat_t
		if err := unix.Stat(name, &st); err != nil {
			return m, in("Devices", fmt.Errorf("%s: %w", name, err))
		}
		d := mounts.Device{
			Path: name, Type: "c", Major: unix.Major(st.Rdev), Minor: unix.Minor(st.Rdev),
			FileMode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid, Origin: "Devices[" + name + "]",
		}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFCHR:
		case unix.S_IFBLK:
			d.Type = "b"
		default:
			return m, in("Devices", fmt.Errorf("%s: it is no device file", name))
		}
		m.Devices = append(m.Devices, d)
	}
	m.Program, err = currentProgram()
	return m, err
}

// ownProgram leads to the file of this process, whatever has become of its name.
const ownProgram = "/proc/self/exe"

// currentProgram is where the current program can be copied from. A mount can be copied only in the mount
// namespace that it is in. Who was executed from another one, before unshare(1) say, is
// looked for by its name, which must still be that of the same file. open_tree(2), EINVAL
func currentProgram() (string, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, ownProgram, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err == nil {
		unix.Close(fd)
		return ownProgram, nil
	}
	if !errors.Is(err, unix.EINVAL) {
		return "", fmt.Errorf("%s: open_tree: %w", ownProgram, err)
	}
	name, err := os.Readlink(ownProgram)
	if err != nil {
		return "", err
	}
	var own, there unix.Stat_t
	if err := unix.Stat(ownProgram, &own); err != nil {
		return "", fmt.Errorf("%s: %w", ownProgram, err)
	}
	if err := unix.Stat(name, &there); err != nil || own.Dev != there.Dev || own.Ino != there.Ino {
		return "", fmt.Errorf("%s: the program was executed from another mount namespace, or from memory, and is not to be had in this one", name)
	}
	return name, nil
}

// spec is the container on this machine. It is a pure function.
func (c *Config) spec(m machine) (container.Spec, error) {
	set, err := c.capabilities()
	if err != nil {
		return container.Spec{}, err
	}
	data := path.Clean(c.Data)
	s := container.Spec{
		Root: container.Root{
			Overlay: &mounts.Overlay{Lower: []string{"/"}, Upper: path.Join(data, upperName), Work: path.Join(data, workName)},
			// What is mounted in one place can be seen in the other: kubelet asks for it.
			Propagation: "rshared",
		},
		Hostname: c.Name,
		Keyring:  "_ses." + c.Name,
		Process:  container.Process{Capabilities: &caps.Config{Bounding: set, Permitted: set, Effective: set}},
		Cgroup:   &container.Cgroup{Path: "/selfcontain/" + c.Name},
		// What in /proc concerns the whole machine and nobody inside. /proc/sys can be
		// written: most of what a container changes there is its own.
		ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sysrq-trigger"},
	}
	for _, t := range ownNamespaces {
		s.Namespaces.Add(t, "")
	}
	s.Devices = append(append(s.Devices, usualDevices...), m.Devices...)
	for _, d := range s.Devices {
		s.Cgroup.Resources.Devices = append(s.Cgroup.Resources.Devices,
			cgroupv2.DeviceRule{Allow: true, Type: d.Type, Major: int64(d.Major), Minor: int64(d.Minor)})
	}
	for _, at := range container.MachineMounts(m.Mounts, "Root") {
		// What is changed in /etc goes to the upper directory, and /var/lib is another one.
		if !container.Below(at.Destination, "/etc") && !container.Below(at.Destination, varLib) {
			s.Mounts = append(s.Mounts, at)
		}
	}
	s.Mounts = append(s.Mounts, kernelMounts()...)
	s.Mounts = append(s.Mounts,
		mounts.Mount{Destination: varLib, Type: "bind", Source: path.Join(data, libName), Options: []string{"bind", "rprivate"}, Origin: "Data"},
		mounts.Mount{Destination: programPath, Type: "bind", Source: m.Program, Options: []string{"bind", "ro", "nosuid", "rprivate"}, Origin: "program"},
	)
	for _, source := range sorted(c.Mounts) {
		s.Mounts = append(s.Mounts, mounts.Mount{
			Destination: path.Clean(c.Mounts[source]), Type: "bind", Source: source, Options: []string{"rbind", "rprivate"},
			Origin: fmt.Sprintf("Mounts[%q]", source),
		})
	}
	// The layers of an overlay must not be touched while it is mounted.
	if !container.IsFresh(data) && !container.Below(data, varLib) {
		s.MaskedPaths = append(s.MaskedPaths, data)
	}
	return s, nil
}

// ownNamespaces are those in which nobody else is. The users are the machine's.
var ownNamespaces = [...]clone.NamespaceType{
	clone.NEWNS, clone.NEWPID, clone.NEWUTS, clone.NEWIPC, clone.NEWNET, clone.NEWCGROUP,
}

// usualDevices are what every container has besides those of the OCI runtime
// specification: file systems of programs, which a containerd uses, and the kernel's log, which
// a kubelet reads.
var usualDevices = []mounts.Device{
	{Path: "/dev/fuse", Type: "c", Major: 10, Minor: 229, FileMode: 0o666, Origin: "Devices[/dev/fuse]"},
	{Path: "/dev/kmsg", Type: "c", Major: 1, Minor: 11, FileMode: 0o644, Origin: "Devices[/dev/kmsg]"},
}

// kernelMounts are what every container has new.
func kernelMounts() []mounts.Mount {
	list := []mounts.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777"}},
		{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
		{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime"}},
		{Destination: "/run", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "mode=755"}},
		{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "mode=1777"}},
	}
	for i := range list {
		list[i].Origin = "Root[" + list[i].Destination + "]"
	}
	return list
}

// claim makes Data, and takes it for this container.
func (c *Config) claim() error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return in("Data", err)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(c.Data, &st); err != nil {
		return in("Data", fmt.Errorf("%s: %w", c.Data, err))
	}
	if st.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return in("Data", fmt.Errorf("%s lies on an overlay, on which there can be no other one: in a container of this package %s is a place, and /tmp for what need not stay", c.Data, varLib))
	}
	return c.own()
}

// prepare makes what the container needs in Data. What is there stays as it is.
func (c *Config) prepare(s container.Spec) error {
	if err := c.claim(); err != nil { // again: it may have been destroyed
		return err
	}
	if err := container.MakeLayers([]*mounts.Overlay{s.Root.Overlay}); err != nil {
		return in("Data", err)
	}
	// The overlay looks at its layers when it is mounted, and does not ask again.
	if err := like("/etc", path.Join(c.Data, upperName, "etc")); err != nil {
		return in("Data", err)
	}
	if err := like(varLib, path.Join(c.Data, libName)); err != nil {
		return in("Data", err)
	}
	return nil
}

// ownerName is a symbolic link that says whose data they are. It is there or it is not.
const ownerName = "name"

// own takes Data for this container.
func (c *Config) own() error {
	link := path.Join(c.Data, ownerName)
	err := os.Symlink(c.Name, link)
	if errors.Is(err, os.ErrExist) {
		var owner string
		if owner, err = os.Readlink(link); err == nil && owner != c.Name {
			return in("Data", fmt.Errorf("%s has the data of the container %s", c.Data, owner))
		}
	}
	if err != nil {
		return in("Data", err)
	}
	return nil
}

// like makes a directory with owner and permissions of another one, if that is there.
func like(model, dir string) error {
	st := unix.Stat_t{Mode: 0o755}
	if err := unix.Stat(model, &st); err != nil && !errors.Is(err, unix.ENOENT) {
		return &os.PathError{Op: "stat", Path: model, Err: err}
	}
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err == nil {
		err = os.Lchown(dir, int(st.Uid), int(st.Gid))
	}
	if err == nil {
		err = os.Chmod(dir, os.FileMode(st.Mode&0o777))
	}
	return err
}

// sorted are the sources of bind mounts in the order of their targets: what is mounted in
// another one comes behind it.
func sorted(m map[string]string) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(strings.Compare(path.Clean(m[a]), path.Clean(m[b])), strings.Compare(a, b))
	})
}
