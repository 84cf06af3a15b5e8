package container

import (
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/mounts"
)

// Spec is the container that is wanted. It is plain data: [Compile] turns it,
// together with the facts of a [Host], into a [Plan]. The zero value of every field
// asks for nothing.
type Spec struct {
	// Root is the container's root file system.
	Root Root
	// Namespaces are made new where Path is empty, and joined by Path otherwise.
	// A type that is not listed is shared with the caller. namespaces(7)
	Namespaces clone.Namespaces
	// UIDMappings and GIDMappings are the ids of a new user namespace, and empty
	// without one. For one that is joined they may say which it has. A caller without CAP_SETUID may map its own id alone; for more
	// there are newuidmap(1) and newgidmap(1), which the host's side runs then.
	// user_namespaces(7)
	UIDMappings, GIDMappings clone.IDMaps
	// TimeOffsets are added to the clocks of a new time namespace, by name:
	// "monotonic" and "boottime". time_namespaces(7), Linux 5.6
	TimeOffsets map[string]TimeOffset
	// Hostname and Domainname are set in a new uts namespace. uts_namespaces(7)
	Hostname   string
	Domainname string
	// Mounts are made in this order, inside the root.
	Mounts []mounts.Mount
	// MountIDs are the ids of id-mapped mounts, by their place in Mounts. A bind mount
	// with the option idmap or ridmap and no ids here has those of UIDMappings and
	// GIDMappings.
	MountIDs map[int]MountIDs
	// Devices are made besides the default ones: null, zero, full, random, urandom
	// and tty, which every container with a /dev of its own gets.
	Devices []mounts.Device
	// MaskedPaths become empty and read-only, ReadonlyPaths read-only with all
	// that is mounted below them. What does not exist is passed over.
	MaskedPaths   []string
	ReadonlyPaths []string
	// MountLabel is the SELinux label of everything in the file systems that Mounts make
	// new, and refused where the kernel does not run SELinux. mount(8), context=
	MountLabel string
	// Sysctl are kernel parameters by their dotted name. Only those that belong to
	// a new namespace of the container can be set.
	Sysctl map[string]string
	// Networks are the interfaces of its network namespace, besides lo, and Routes what is
	// reached through them, besides their own networks.
	Networks []Network
	Routes   []Route
	// Process is the program to run.
	Process Process
	// Init puts a small program of our own before it, as the first process of the
	// container: it reaps orphans, forwards signals, and ends as the program ends.
	Init bool
	// Keyring gives the container a session keyring of its own, by this name, so
	// that it does not have its caller's. Empty leaves the caller's.
	// keyctl(2), KEYCTL_JOIN_SESSION_KEYRING
	Keyring string
	// ParentDeathSignal is sent to the container's first process when the thread
	// that started it dies; 0 sends nothing. PR_SET_PDEATHSIG(2const)
	ParentDeathSignal unix.Signal
	// Hooks are called at points of the container's life.
	Hooks Hooks
	// Bundle is the directory on the host that the configuration comes from. Hooks run
	// there and are told of it. An absolute path, needed with hooks that are commands.
	Bundle string
	// Version is the ociVersion of that configuration. A limit that comes later may mean what
	// it meant there (oci.AsOf). Empty is the latest.
	Version string
	// Cgroup is a control group of its own; nil leaves it in the caller's.
	Cgroup *Cgroup
	// Labels and Annotations are kept with the container and mean nothing to it.
	Labels      []string
	Annotations map[string]string
}

// TimeOffset is a difference between two clocks.
type TimeOffset struct {
	Secs     int64
	Nanosecs uint32 // below a thousand millions
}

// Root is a root file system: a directory, or an overlay of several.
type Root struct {
	// Path is its directory on the host.
	Path string
	// Overlay is in the place of Path.
	Overlay *mounts.Overlay
	// Links are symbolic links that are made in it before the mounts.
	Links []mounts.Link
	// NoPivot moves the root and changes into it where pivot_root(2) cannot be used:
	// when the caller's own root is the initramfs. CAP_SYS_CHROOT and CAP_SYS_ADMIN
	// in the container can undo that.
	NoPivot bool
	// Readonly makes the root mount read-only; mounts inside keep their own mode.
	Readonly bool
	// Propagation is "private", "slave", "shared" or "unbindable", with an r in
	// front for everything below as well. Empty means "rprivate": nothing that
	// the host mounts later appears inside. mount_namespaces(7)
	Propagation string
}

// Process is a program in a container and what it runs with, and once it was started, the
// process that runs it: the container's first one is that of its [Spec], and
// [Container.Start] makes further ones.
type Process struct {
	// Args are the program and its arguments. A program without a slash is looked
	// for along PATH of Env, inside the container.
	Args []string
	// Env is its whole environment, KEY=VALUE.
	Env []string
	// Cwd is its working directory, an absolute path in the container. It is made
	// if it does not exist. Empty means "/".
	Cwd  string
	User User
	// Rlimits replace the limits that the caller had when it was started; those
	// not listed stay as they were then. getrlimit(2)
	Rlimits []Rlimit
	// Capabilities are the five sets. Nil keeps none. capabilities(7)
	Capabilities *caps.Config
	// NoNewPrivileges makes setuid programs and file capabilities mean nothing.
	// PR_SET_NO_NEW_PRIVS(2const)
	NoNewPrivileges bool
	// OOMScoreAdj is written to /proc/self/oom_score_adj; nil leaves it alone.
	OOMScoreAdj *int
	// Terminal gives it a terminal of its own, from the container's /dev/pts, as
	// standard input, output and error and as /dev/console. The other end is the
	// caller's. pty(7)
	Terminal bool
	// ConsoleSize is the terminal's window; zero leaves it as the kernel makes it.
	ConsoleSize WindowSize
	// Scheduler, IOPriority, Personality and MemoryPolicy are left as the caller
	// has them where they are nil.
	Scheduler    *Scheduler
	IOPriority   *IOPriority
	Personality  *Personality
	MemoryPolicy *MemoryPolicy
	// CPUAffinity is for programs that are executed in the container later.
	CPUAffinity CPUAffinity
	// AppArmorProfile and SELinuxLabel are what the program gets from its execve on, and so
	// does the built-in init. They are refused where the kernel does not run the module:
	// nobody would enforce them. apparmor(7), proc_pid_attr(5)
	AppArmorProfile, SELinuxLabel string
	// Stdin, Stdout and Stderr are its standard streams; nil is /dev/null. An [os.File]
	// is handed down as it is. For anything else there is a pipe, and a goroutine copies
	// until its other end is closed, which whatever the program has left behind may do
	// late. A program with a terminal has none of them. They, and what follows, are for
	// [Create] and [Container.Start]: who starts a [Plan] has a [Stdio] for it.
	Stdin          io.Reader `json:"-"`
	Stdout, Stderr io.Writer `json:"-"`
	// ExtraFiles are its descriptors from 3 on. With a directory of the host among them
	// the program is not confined any more.
	ExtraFiles []*os.File `json:"-"`
	// Console takes the other end of its terminal, before the program runs: it may set the
	// size of the window, or give it to somebody else. The file is its own then. A read
	// says EIO when nobody has the terminal any more, perhaps a moment before what was
	// written last can be read: read once more. An error closes it, ends the process and is
	// that of Create or Start. It is needed where Terminal is set, and refused elsewhere.
	Console func(master *os.File) error `json:"-"`
	// PreserveFDs is the number of [Stdio].Extra, for a [Plan]. Create and Start take the
	// number of ExtraFiles, whatever it says.
	PreserveFDs int

	// Cgroup is the path of a cgroup in that of the container, in which a further process
	// runs. Empty is the container's own, or where that has been divided, the one of its
	// first process.
	Cgroup string `json:"-"`
	// IgnorePaused makes a further process also in a container that is paused: it begins
	// when the container is resumed, and Start returns then.
	IgnorePaused bool `json:"-"`

	run *execution // once it was started
}

// WindowSize is the size of a terminal, in characters.
type WindowSize struct{ Height, Width uint16 }

// User is who a process is, in ids of the container.
type User struct {
	UID, GID       uint32
	AdditionalGIDs []uint32
	// Umask is the file mode creation mask; nil means 0022.
	Umask *uint32
}

// Rlimit is one resource limit.
type Rlimit struct {
	// Type is the name in the manual, such as "RLIMIT_NOFILE".
	Type string
	// Soft and Hard are the limits; ^uint64(0) is unlimited.
	Soft, Hard uint64
}
