package container_test

import (
	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/mounts"
)

// usual is what the configuration of an engine asks for, with a root directory.
func usual(root string) container.Spec {
	three := caps.Of(caps.AUDIT_WRITE, caps.KILL, caps.NET_BIND_SERVICE)
	return container.Spec{
		Root: container.Root{Path: root},
		Namespaces: clone.Namespaces{
			{Type: clone.NEWPID}, {Type: clone.NEWNET}, {Type: clone.NEWIPC},
			{Type: clone.NEWUTS}, {Type: clone.NEWNS}, {Type: clone.NEWCGROUP},
		},
		Hostname: "inside",
		Mounts: []mounts.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
			{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
			{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
			{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
			{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
			{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime", "ro"}},
		},
		MaskedPaths: []string{
			"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
			"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
		},
		ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
		Process: container.Process{
			Args:            []string{"/bin/true"},
			Env:             []string{"PATH=/usr/bin:/bin", "TERM=xterm"},
			Cwd:             "/",
			Capabilities:    &caps.Config{Bounding: three, Effective: three, Permitted: three},
			Rlimits:         []container.Rlimit{{Type: "RLIMIT_NOFILE", Soft: 1024, Hard: 1024}},
			NoNewPrivileges: true,
		},
	}
}

// with is the usual container with changes.
func with(root string, changes ...func(*container.Spec)) container.Spec {
	s := usual(root)
	for _, change := range changes {
		change(&s)
	}
	return s
}

// sh runs a line of shell as the container's program.
func sh(script string) func(*container.Spec) {
	return func(s *container.Spec) { s.Process.Args = []string{"/bin/sh", "-c", script} }
}

// bare is a container with a new mount namespace and nothing else: what a test asks
// for beyond that is all there is.
func bare(root string, args ...string) container.Spec {
	return container.Spec{
		Root:       container.Root{Path: root},
		Namespaces: clone.Namespaces{{Type: clone.NEWNS}},
		Process:    container.Process{Args: args, Env: []string{"PATH=/bin"}},
	}
}

// mountOf is a bind mount.
func mountOf(to, from string, options ...string) mounts.Mount {
	return mounts.Mount{Destination: to, Source: from, Options: append([]string{"bind"}, options...)}
}
