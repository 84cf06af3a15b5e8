package container_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
)

// A plan can be made for any machine, on any machine, and read before anything is done.
func ExampleCompile() {
	spec := container.Spec{
		Root: container.Root{Path: "/srv/root", Readonly: true},
		Namespaces: clone.Namespaces{
			{Type: clone.NEWNS}, {Type: clone.NEWPID}, {Type: clone.NEWUTS},
		},
		Hostname: "box",
		Mounts:   []mounts.Mount{{Destination: "/proc", Type: "proc", Source: "proc"}},
		Process:  container.Process{Args: []string{"/bin/sh"}, Env: []string{"PATH=/bin"}},
	}
	host := container.Host{Kernel: "6.1.0", Arch: "amd64"} // or container.Probe()
	plan, err := container.Compile(spec, host)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", plan)
	// Output:
	// before   host            open_tree /srv/root
	// clone    namespaces      clone3 CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWPID
	// 0-6      process         mmap exit_group rt_sigprocmask prctl×2 setsid umask
	// 7-7      hostname        sethostname("box", 3)
	// 8-10     root            mount_setattr×2 move_mount
	// 11-17    mounts          fsopen fsconfig×2 fsmount mkdirat openat2 move_mount
	// 18-32    default devices mkdirat openat2×3 mknodat×6 symlinkat×5
	// 33-37    root            mount_setattr fchdir pivot_root umount2 chdir
	// 38-48    process         prctl×2 setgroups setresgid setresuid capset umask getcwd futex close_range execve
}

// What is wrong with a configuration is said at once, each with the line that it is
// about, and before anything is done.
func ExampleCompile_error() {
	_, err := container.Compile(container.Spec{
		Root:     container.Root{Path: "rootfs"},
		Hostname: "box",
		Sysctl:   map[string]string{"vm.swappiness": "10"},
		Process:  container.Process{Args: []string{"/bin/sh"}},
	}, container.Host{Kernel: "6.1.0"})
	fmt.Println(err)
	// Output:
	// root.path: "rootfs": want an absolute path
	// linux.namespaces: a new mount namespace is needed, or the container's mounts would be the host's
	// hostname: "box": without a uts namespace the container would change the host's
	// linux.sysctl[vm.swappiness]: it belongs to no namespace and would change the host
}

// A shell in an empty root directory, with nothing but busybox bound into it. It runs as
// root only, so its output, "box", "1" and "0 <nil>", is not compared.
func ExamplePlan_Start() {
	host, err := container.Probe()
	if err != nil {
		fmt.Println(err)
		return
	}
	root, err := os.MkdirTemp("", "root")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	spec := container.Spec{
		Root:       container.Root{Path: root, Readonly: true},
		Namespaces: clone.Namespaces{{Type: clone.NEWNS}, {Type: clone.NEWPID}, {Type: clone.NEWUTS}},
		Hostname:   "box",
		Mounts: []mounts.Mount{
			{Destination: "/proc", Type: "proc"},
			{Destination: "/busybox", Source: "/bin/busybox", Options: []string{"bind", "ro"}},
		},
		Process: container.Process{Args: []string{"/busybox", "sh", "-c", "hostname; echo $$"}},
	}
	plan, err := container.Compile(spec, host)
	if err != nil {
		fmt.Println(err)
		return
	}
	process, err := plan.Start(container.Stdio{Out: os.Stdout, Err: os.Stderr})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer process.Close()
	status, err := process.Wait()
	fmt.Println(status.ExitStatus(), err)
}

// The list of what the first process calls is data like any other.
func ExamplePlan_child() {
	plan, err := container.Compile(bare("/srv/root", "sh"), container.Host{Kernel: "6.1.0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range plan.Child.Len() {
		if op := plan.Child.Op(i); strings.HasPrefix(op.Origin, "process.args") {
			fmt.Println(op)
		}
	}
	// Output:
	// faccessat2(AT_FDCWD, "/bin/sh", X_OK, AT_EACCESS)
	// execve("/bin/sh", ["sh"], ["PATH=/bin"])
}

// An ordinary user gives a container all the ids that it may.
func ExampleIDMappings() {
	host := container.Host{UID: 1000, UserFacts: container.UserFacts{
		GID: 1000, NewUIDMap: "/usr/bin/newuidmap", NewGIDMap: "/usr/bin/newgidmap",
		SubUIDs: []container.IDRange{{First: 100000, Count: 65536}},
		SubGIDs: []container.IDRange{{First: 100000, Count: 65536}},
	}}
	spec := container.Spec{
		Root:       container.Root{Path: "/srv/root"},
		Namespaces: clone.Namespaces{{Type: clone.NEWUSER}, {Type: clone.NEWNS}},
		Process:    container.Process{Args: []string{"/bin/true"}},
	}
	spec.UIDMappings, spec.GIDMappings = container.IDMappings(host)
	plan, err := container.Compile(spec, host)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, steps := range plan.During {
		for _, s := range steps {
			fmt.Println(s)
		}
	}
	// Output:
	// execve("/usr/bin/newuidmap", ["newuidmap", "PID", "0", "1000", "1", "1", "100000", "65536"]); wait
	// execve("/usr/bin/newgidmap", ["newgidmap", "PID", "0", "1000", "1", "1", "100000", "65536"]); wait
}
