package prog

import "golang.org/x/sys/unix"

// The names that flags and commands have in the manual, one table each. Printer
// and validator read them; the numbers are those of golang.org/x/sys/unix.

// open(2)
var openFlags = Kind{form: formFlags, names: []name{
	{unix.O_WRONLY, "O_WRONLY"},
	{unix.O_RDWR, "O_RDWR"},
	{unix.O_CREAT, "O_CREAT"},
	{unix.O_EXCL, "O_EXCL"},
	{unix.O_NOCTTY, "O_NOCTTY"},
	{unix.O_TRUNC, "O_TRUNC"},
	{unix.O_APPEND, "O_APPEND"},
	{unix.O_NONBLOCK, "O_NONBLOCK"},
	{unix.O_SYNC, "O_SYNC"},
	{unix.O_DIRECTORY, "O_DIRECTORY"},
	{unix.O_NOFOLLOW, "O_NOFOLLOW"},
	{unix.O_CLOEXEC, "O_CLOEXEC"},
	{unix.O_PATH, "O_PATH"},
	{unix.O_TMPFILE, "O_TMPFILE"},
}}

// openat2(2), struct open_how
var howFlags = Kind{form: formOpen, like: &openFlags}

// openat2(2)
var resolveFlags = Kind{form: formFlags, names: []name{
	{unix.RESOLVE_NO_XDEV, "RESOLVE_NO_XDEV"},
	{unix.RESOLVE_NO_MAGICLINKS, "RESOLVE_NO_MAGICLINKS"},
	{unix.RESOLVE_NO_SYMLINKS, "RESOLVE_NO_SYMLINKS"},
	{unix.RESOLVE_BENEATH, "RESOLVE_BENEATH"},
	{unix.RESOLVE_IN_ROOT, "RESOLVE_IN_ROOT"},
	{0x20, "RESOLVE_CACHED"},
}}

// The AT_ flags that most calls share.
var atFlags = Kind{form: formFlags, names: []name{
	{unix.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
	{unix.AT_REMOVEDIR, "AT_REMOVEDIR"},
	{unix.AT_SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"},
	{unix.AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"},
	{unix.AT_EMPTY_PATH, "AT_EMPTY_PATH"},
	{unix.AT_RECURSIVE, "AT_RECURSIVE"},
}}

// statx(2). How fresh the answer has to be comes first, as strace prints it.
var statxFlags = Kind{form: formFlags, names: []name{
	{unix.AT_STATX_FORCE_SYNC, "AT_STATX_FORCE_SYNC"},
	{unix.AT_STATX_DONT_SYNC, "AT_STATX_DONT_SYNC"},
	{unix.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
	{unix.AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"},
	{unix.AT_EMPTY_PATH, "AT_EMPTY_PATH"},
}}

// statx(2)
var statxMask = Kind{form: formFlags, names: []name{
	{unix.STATX_BASIC_STATS, "STATX_BASIC_STATS"},
	{unix.STATX_TYPE, "STATX_TYPE"},
	{unix.STATX_MODE, "STATX_MODE"},
	{unix.STATX_NLINK, "STATX_NLINK"},
	{unix.STATX_UID, "STATX_UID"},
	{unix.STATX_GID, "STATX_GID"},
	{unix.STATX_MNT_ID, "STATX_MNT_ID"},
}}

// faccessat2(2)
var accessFlags = Kind{form: formFlags, names: []name{
	{unix.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
	{unix.AT_EACCESS, "AT_EACCESS"},
	{unix.AT_EMPTY_PATH, "AT_EMPTY_PATH"},
}}

// access(2)
var accessModes = Kind{form: formFlags, names: []name{
	{unix.R_OK, "R_OK"},
	{unix.W_OK, "W_OK"},
	{unix.X_OK, "X_OK"},
	{unix.F_OK, "F_OK"},
}}

// mount_setattr(2)
var mountAttrs = Kind{form: formFlags, names: []name{
	{unix.MOUNT_ATTR_RDONLY, "MOUNT_ATTR_RDONLY"},
	{unix.MOUNT_ATTR_NOSUID, "MOUNT_ATTR_NOSUID"},
	{unix.MOUNT_ATTR_NODEV, "MOUNT_ATTR_NODEV"},
	{unix.MOUNT_ATTR_NOEXEC, "MOUNT_ATTR_NOEXEC"},
	{unix.MOUNT_ATTR_NOATIME, "MOUNT_ATTR_NOATIME"},
	{unix.MOUNT_ATTR_STRICTATIME, "MOUNT_ATTR_STRICTATIME"},
	{unix.MOUNT_ATTR__ATIME, "MOUNT_ATTR__ATIME"},
	{unix.MOUNT_ATTR_NODIRATIME, "MOUNT_ATTR_NODIRATIME"},
	{unix.MOUNT_ATTR_IDMAP, "MOUNT_ATTR_IDMAP"},
	{unix.MOUNT_ATTR_NOSYMFOLLOW, "MOUNT_ATTR_NOSYMFOLLOW"},
}}

// mount(2), changing the propagation type
var propagationFlags = Kind{form: formFlags, names: []name{
	{unix.MS_UNBINDABLE, "MS_UNBINDABLE"},
	{unix.MS_PRIVATE, "MS_PRIVATE"},
	{unix.MS_SLAVE, "MS_SLAVE"},
	{unix.MS_SHARED, "MS_SHARED"},
}}

// mount(2)
var mountFlags = Kind{form: formFlags, names: []name{
	{unix.MS_RDONLY, "MS_RDONLY"},
	{unix.MS_NOSUID, "MS_NOSUID"},
	{unix.MS_NODEV, "MS_NODEV"},
	{unix.MS_NOEXEC, "MS_NOEXEC"},
	{unix.MS_SYNCHRONOUS, "MS_SYNCHRONOUS"},
	{unix.MS_REMOUNT, "MS_REMOUNT"},
	{unix.MS_MANDLOCK, "MS_MANDLOCK"},
	{unix.MS_DIRSYNC, "MS_DIRSYNC"},
	{unix.MS_NOSYMFOLLOW, "MS_NOSYMFOLLOW"},
	{unix.MS_NOATIME, "MS_NOATIME"},
	{unix.MS_NODIRATIME, "MS_NODIRATIME"},
	{unix.MS_BIND, "MS_BIND"},
	{unix.MS_MOVE, "MS_MOVE"},
	{unix.MS_REC, "MS_REC"},
	{unix.MS_SILENT, "MS_SILENT"},
	{unix.MS_UNBINDABLE, "MS_UNBINDABLE"},
	{unix.MS_PRIVATE, "MS_PRIVATE"},
	{unix.MS_SLAVE, "MS_SLAVE"},
	{unix.MS_SHARED, "MS_SHARED"},
	{unix.MS_RELATIME, "MS_RELATIME"},
	{unix.MS_STRICTATIME, "MS_STRICTATIME"},
	{unix.MS_LAZYTIME, "MS_LAZYTIME"},
}}

// move_mount(2)
var moveMountFlags = Kind{form: formFlags, names: []name{
	{unix.MOVE_MOUNT_F_SYMLINKS, "MOVE_MOUNT_F_SYMLINKS"},
	{unix.MOVE_MOUNT_F_AUTOMOUNTS, "MOVE_MOUNT_F_AUTOMOUNTS"},
	{unix.MOVE_MOUNT_F_EMPTY_PATH, "MOVE_MOUNT_F_EMPTY_PATH"},
	{unix.MOVE_MOUNT_T_SYMLINKS, "MOVE_MOUNT_T_SYMLINKS"},
	{unix.MOVE_MOUNT_T_AUTOMOUNTS, "MOVE_MOUNT_T_AUTOMOUNTS"},
	{unix.MOVE_MOUNT_T_EMPTY_PATH, "MOVE_MOUNT_T_EMPTY_PATH"},
	{unix.MOVE_MOUNT_SET_GROUP, "MOVE_MOUNT_SET_GROUP"},
	{0x200, "MOVE_MOUNT_BENEATH"},
}}

// open_tree(2)
var openTreeFlags = Kind{form: formFlags, names: []name{
	{unix.OPEN_TREE_CLONE, "OPEN_TREE_CLONE"},
	{unix.OPEN_TREE_CLOEXEC, "OPEN_TREE_CLOEXEC"},
	{unix.AT_EMPTY_PATH, "AT_EMPTY_PATH"},
	{unix.AT_NO_AUTOMOUNT, "AT_NO_AUTOMOUNT"},
	{unix.AT_RECURSIVE, "AT_RECURSIVE"},
	{unix.AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"},
}}

// fsopen(2)
var fsopenFlags = Kind{form: formFlags, names: []name{
	{unix.FSOPEN_CLOEXEC, "FSOPEN_CLOEXEC"},
}}

// fsmount(2)
var fsmountFlags = Kind{form: formFlags, names: []name{
	{unix.FSMOUNT_CLOEXEC, "FSMOUNT_CLOEXEC"},
}}

// umount2(2)
var umountFlags = Kind{form: formFlags, names: []name{
	{unix.MNT_FORCE, "MNT_FORCE"},
	{unix.MNT_DETACH, "MNT_DETACH"},
	{unix.MNT_EXPIRE, "MNT_EXPIRE"},
	{unix.UMOUNT_NOFOLLOW, "UMOUNT_NOFOLLOW"},
}}

// close_range(2)
var closeRangeFlags = Kind{form: formFlags, names: []name{
	{unix.CLOSE_RANGE_UNSHARE, "CLOSE_RANGE_UNSHARE"},
	{unix.CLOSE_RANGE_CLOEXEC, "CLOSE_RANGE_CLOEXEC"},
}}

// clone(2), the namespaces
var namespaceFlags = Kind{form: formFlags, names: []name{
	{unix.CLONE_NEWTIME, "CLONE_NEWTIME"},
	{unix.CLONE_NEWNS, "CLONE_NEWNS"},
	{unix.CLONE_NEWCGROUP, "CLONE_NEWCGROUP"},
	{unix.CLONE_NEWUTS, "CLONE_NEWUTS"},
	{unix.CLONE_NEWIPC, "CLONE_NEWIPC"},
	{unix.CLONE_NEWUSER, "CLONE_NEWUSER"},
	{unix.CLONE_NEWPID, "CLONE_NEWPID"},
	{unix.CLONE_NEWNET, "CLONE_NEWNET"},
}}

// clone3(2)
var cloneFlags = Kind{form: formFlags, names: []name{
	{unix.CLONE_VM, "CLONE_VM"},
	{unix.CLONE_FS, "CLONE_FS"},
	{unix.CLONE_FILES, "CLONE_FILES"},
	{unix.CLONE_SIGHAND, "CLONE_SIGHAND"},
	{unix.CLONE_PIDFD, "CLONE_PIDFD"},
	{unix.CLONE_PTRACE, "CLONE_PTRACE"},
	{unix.CLONE_VFORK, "CLONE_VFORK"},
	{unix.CLONE_PARENT, "CLONE_PARENT"},
	{unix.CLONE_THREAD, "CLONE_THREAD"},
	{unix.CLONE_NEWNS, "CLONE_NEWNS"},
	{unix.CLONE_SYSVSEM, "CLONE_SYSVSEM"},
	{unix.CLONE_SETTLS, "CLONE_SETTLS"},
	{unix.CLONE_PARENT_SETTID, "CLONE_PARENT_SETTID"},
	{unix.CLONE_CHILD_CLEARTID, "CLONE_CHILD_CLEARTID"},
	{unix.CLONE_UNTRACED, "CLONE_UNTRACED"},
	{unix.CLONE_CHILD_SETTID, "CLONE_CHILD_SETTID"},
	{unix.CLONE_NEWCGROUP, "CLONE_NEWCGROUP"},
	{unix.CLONE_NEWUTS, "CLONE_NEWUTS"},
	{unix.CLONE_NEWIPC, "CLONE_NEWIPC"},
	{unix.CLONE_NEWUSER, "CLONE_NEWUSER"},
	{unix.CLONE_NEWPID, "CLONE_NEWPID"},
	{unix.CLONE_NEWNET, "CLONE_NEWNET"},
	{unix.CLONE_IO, "CLONE_IO"},
	{unix.CLONE_CLEAR_SIGHAND, "CLONE_CLEAR_SIGHAND"},
	{unix.CLONE_INTO_CGROUP, "CLONE_INTO_CGROUP"},
	{unix.CLONE_NEWTIME, "CLONE_NEWTIME"},
}}

// mmap(2)
var protFlags = Kind{form: formFlags, names: []name{
	{unix.PROT_READ, "PROT_READ"},
	{unix.PROT_WRITE, "PROT_WRITE"},
	{unix.PROT_EXEC, "PROT_EXEC"},
}}

// mmap(2)
var mmapFlags = Kind{form: formFlags, names: []name{
	{unix.MAP_SHARED, "MAP_SHARED"},
	{unix.MAP_PRIVATE, "MAP_PRIVATE"},
	{unix.MAP_FIXED, "MAP_FIXED"},
	{unix.MAP_ANONYMOUS, "MAP_ANONYMOUS"},
	{0x100000, "MAP_FIXED_NOREPLACE"},
}}

// mremap(2)
var mremapFlags = Kind{form: formFlags, names: []name{
	{unix.MREMAP_MAYMOVE, "MREMAP_MAYMOVE"},
	{unix.MREMAP_FIXED, "MREMAP_FIXED"},
}}

// send(2)
var msgFlags = Kind{form: formFlags, names: []name{
	{unix.MSG_NOSIGNAL, "MSG_NOSIGNAL"},
	{unix.MSG_DONTWAIT, "MSG_DONTWAIT"},
}}

// unix(7)
var socketLevels = Kind{form: formEnum, names: []name{
	{unix.SOL_SOCKET, "SOL_SOCKET"},
}}

// unix(7), ancillary messages
var messageTypes = Kind{form: formEnum, names: []name{
	{unix.SCM_RIGHTS, "SCM_RIGHTS"},
}}

// accept4(2)
var socketFlags = Kind{form: formFlags, names: []name{
	{unix.SOCK_CLOEXEC, "SOCK_CLOEXEC"},
	{unix.SOCK_NONBLOCK, "SOCK_NONBLOCK"},
}}

// wait(2)
var waitOptions = Kind{form: formFlags, names: []name{
	{unix.WNOHANG, "WNOHANG"},
	{unix.WUNTRACED, "WUNTRACED"},
	{unix.WEXITED, "WEXITED"},
	{unix.WCONTINUED, "WCONTINUED"},
	{unix.WNOWAIT, "WNOWAIT"},
	{unix.WCLONE, "__WCLONE"},
	{unix.WALL, "__WALL"},
}}

// waitid(2)
var idTypes = Kind{form: formEnum, names: []name{
	{unix.P_ALL, "P_ALL"},
	{unix.P_PID, "P_PID"},
	{unix.P_PGID, "P_PGID"},
	{unix.P_PIDFD, "P_PIDFD"},
}}

// netdevice(7)
var interfaceFlags = Kind{form: formFlags, names: []name{
	{unix.IFF_UP, "IFF_UP"},
	{unix.IFF_BROADCAST, "IFF_BROADCAST"},
	{unix.IFF_LOOPBACK, "IFF_LOOPBACK"},
	{unix.IFF_RUNNING, "IFF_RUNNING"},
	{unix.IFF_NOARP, "IFF_NOARP"},
}}

// socket(2): the type may carry flags
var socketTypes = Kind{form: formFlags, names: []name{
	{unix.SOCK_STREAM, "SOCK_STREAM"},
	{unix.SOCK_DGRAM, "SOCK_DGRAM"},
	{unix.SOCK_CLOEXEC, "SOCK_CLOEXEC"},
	{unix.SOCK_NONBLOCK, "SOCK_NONBLOCK"},
}}

// socket(2)
var socketDomains = Kind{form: formEnum, names: []name{
	{unix.AF_UNIX, "AF_UNIX"},
	{unix.AF_INET, "AF_INET"},
	{unix.AF_INET6, "AF_INET6"},
	{unix.AF_NETLINK, "AF_NETLINK"},
}}

// lseek(2)
var seekWhence = Kind{form: formEnum, names: []name{
	{unix.SEEK_SET, "SEEK_SET"},
	{unix.SEEK_CUR, "SEEK_CUR"},
	{unix.SEEK_END, "SEEK_END"},
}}

// clock_gettime(2)
var clocks = Kind{form: formEnum, names: []name{
	{unix.CLOCK_REALTIME, "CLOCK_REALTIME"},
	{unix.CLOCK_MONOTONIC, "CLOCK_MONOTONIC"},
	{unix.CLOCK_BOOTTIME, "CLOCK_BOOTTIME"},
}}

// getpriority(2)
var priorityWhich = Kind{form: formEnum, names: []name{
	{unix.PRIO_PROCESS, "PRIO_PROCESS"},
	{unix.PRIO_PGRP, "PRIO_PGRP"},
	{unix.PRIO_USER, "PRIO_USER"},
}}

// sigprocmask(2)
var sigmaskHow = Kind{form: formEnum, names: []name{
	{unix.SIG_BLOCK, "SIG_BLOCK"},
	{unix.SIG_UNBLOCK, "SIG_UNBLOCK"},
	{unix.SIG_SETMASK, "SIG_SETMASK"},
}}

// fsconfig(2)
var fsconfigCommands = Kind{form: formEnum, names: []name{
	{unix.FSCONFIG_SET_FLAG, "FSCONFIG_SET_FLAG"},
	{unix.FSCONFIG_SET_STRING, "FSCONFIG_SET_STRING"},
	{unix.FSCONFIG_SET_BINARY, "FSCONFIG_SET_BINARY"},
	{unix.FSCONFIG_SET_PATH, "FSCONFIG_SET_PATH"},
	{unix.FSCONFIG_SET_PATH_EMPTY, "FSCONFIG_SET_PATH_EMPTY"},
	{unix.FSCONFIG_SET_FD, "FSCONFIG_SET_FD"},
	{unix.FSCONFIG_CMD_CREATE, "FSCONFIG_CMD_CREATE"},
	{unix.FSCONFIG_CMD_RECONFIGURE, "FSCONFIG_CMD_RECONFIGURE"},
}}

// fcntl(2)
var fcntlCommands = Kind{form: formEnum, names: []name{
	{unix.F_DUPFD, "F_DUPFD"},
	{unix.F_GETFD, "F_GETFD"},
	{unix.F_SETFD, "F_SETFD"},
	{unix.F_GETFL, "F_GETFL"},
	{unix.F_SETFL, "F_SETFL"},
	{unix.F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"},
	{unix.F_ADD_SEALS, "F_ADD_SEALS"},
	{unix.F_GET_SEALS, "F_GET_SEALS"},
}}

// fcntl(2), F_SETFD
var fdFlags = Kind{form: formFlags, names: []name{
	{unix.FD_CLOEXEC, "FD_CLOEXEC"},
}}

// ioctl(2), as far as programs use it
var ioctlRequests = Kind{form: formEnum, names: []name{
	{unix.SIOCGIFFLAGS, "SIOCGIFFLAGS"},
	{unix.SIOCSIFFLAGS, "SIOCSIFFLAGS"},
	{unix.TIOCSCTTY, "TIOCSCTTY"},
	{unix.TIOCSWINSZ, "TIOCSWINSZ"},
	{unix.TIOCSPTLCK, "TIOCSPTLCK"},
	{unix.TIOCGPTPEER, "TIOCGPTPEER"},
}}

// futex(2)
var futexOps = Kind{form: formEnum, names: []name{
	{futexWait, "FUTEX_WAIT"},
	{futexWake, "FUTEX_WAKE"},
	{futexCmpRequeue, "FUTEX_CMP_REQUEUE"},
}}

// prctl(2)
var prctlOptions = Kind{form: formEnum, names: []name{
	{unix.PR_SET_PDEATHSIG, "PR_SET_PDEATHSIG"},
	{unix.PR_GET_DUMPABLE, "PR_GET_DUMPABLE"},
	{unix.PR_SET_DUMPABLE, "PR_SET_DUMPABLE"},
	{unix.PR_GET_KEEPCAPS, "PR_GET_KEEPCAPS"},
	{unix.PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS"},
	{unix.PR_SET_NAME, "PR_SET_NAME"},
	{unix.PR_CAPBSET_READ, "PR_CAPBSET_READ"},
	{unix.PR_CAPBSET_DROP, "PR_CAPBSET_DROP"},
	{unix.PR_GET_SECUREBITS, "PR_GET_SECUREBITS"},
	{unix.PR_SET_SECUREBITS, "PR_SET_SECUREBITS"},
	{unix.PR_SET_TIMERSLACK, "PR_SET_TIMERSLACK"},
	{unix.PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS"},
	{unix.PR_GET_NO_NEW_PRIVS, "PR_GET_NO_NEW_PRIVS"},
	{unix.PR_CAP_AMBIENT, "PR_CAP_AMBIENT"},
	{unix.PR_SET_CHILD_SUBREAPER, "PR_SET_CHILD_SUBREAPER"},
}}

// PR_SET_DUMPABLE
var dumpable = Kind{form: formEnum, names: []name{
	{0, "SUID_DUMP_DISABLE"},
	{1, "SUID_DUMP_USER"},
	{2, "SUID_DUMP_ROOT"},
}}

// PR_CAP_AMBIENT
var ambientCommands = Kind{form: formEnum, names: []name{
	{unix.PR_CAP_AMBIENT_IS_SET, "PR_CAP_AMBIENT_IS_SET"},
	{unix.PR_CAP_AMBIENT_RAISE, "PR_CAP_AMBIENT_RAISE"},
	{unix.PR_CAP_AMBIENT_LOWER, "PR_CAP_AMBIENT_LOWER"},
	{unix.PR_CAP_AMBIENT_CLEAR_ALL, "PR_CAP_AMBIENT_CLEAR_ALL"},
}}

// setrlimit(2)
var rlimits = Kind{form: formEnum, names: []name{
	{unix.RLIMIT_CPU, "RLIMIT_CPU"},
	{unix.RLIMIT_FSIZE, "RLIMIT_FSIZE"},
	{unix.RLIMIT_DATA, "RLIMIT_DATA"},
	{unix.RLIMIT_STACK, "RLIMIT_STACK"},
	{unix.RLIMIT_CORE, "RLIMIT_CORE"},
	{unix.RLIMIT_RSS, "RLIMIT_RSS"},
	{unix.RLIMIT_NPROC, "RLIMIT_NPROC"},
	{unix.RLIMIT_NOFILE, "RLIMIT_NOFILE"},
	{unix.RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK"},
	{unix.RLIMIT_AS, "RLIMIT_AS"},
	{unix.RLIMIT_LOCKS, "RLIMIT_LOCKS"},
	{unix.RLIMIT_SIGPENDING, "RLIMIT_SIGPENDING"},
	{unix.RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE"},
	{unix.RLIMIT_NICE, "RLIMIT_NICE"},
	{unix.RLIMIT_RTPRIO, "RLIMIT_RTPRIO"},
	{unix.RLIMIT_RTTIME, "RLIMIT_RTTIME"},
}}

// sigaction(2)
var handlers = Kind{form: formEnum, names: []name{
	{0, "SIG_DFL"},
	{1, "SIG_IGN"},
}}

// signal(7)
var signals = Kind{form: formEnum, names: []name{
	{0, "0"},
	{uint64(unix.SIGHUP), "SIGHUP"},
	{uint64(unix.SIGINT), "SIGINT"},
	{uint64(unix.SIGQUIT), "SIGQUIT"},
	{uint64(unix.SIGILL), "SIGILL"},
	{uint64(unix.SIGTRAP), "SIGTRAP"},
	{uint64(unix.SIGABRT), "SIGABRT"},
	{uint64(unix.SIGBUS), "SIGBUS"},
	{uint64(unix.SIGFPE), "SIGFPE"},
	{uint64(unix.SIGKILL), "SIGKILL"},
	{uint64(unix.SIGUSR1), "SIGUSR1"},
	{uint64(unix.SIGSEGV), "SIGSEGV"},
	{uint64(unix.SIGUSR2), "SIGUSR2"},
	{uint64(unix.SIGPIPE), "SIGPIPE"},
	{uint64(unix.SIGALRM), "SIGALRM"},
	{uint64(unix.SIGTERM), "SIGTERM"},
	{uint64(unix.SIGSTKFLT), "SIGSTKFLT"},
	{uint64(unix.SIGCHLD), "SIGCHLD"},
	{uint64(unix.SIGCONT), "SIGCONT"},
	{uint64(unix.SIGSTOP), "SIGSTOP"},
	{uint64(unix.SIGTSTP), "SIGTSTP"},
	{uint64(unix.SIGTTIN), "SIGTTIN"},
	{uint64(unix.SIGTTOU), "SIGTTOU"},
	{uint64(unix.SIGURG), "SIGURG"},
	{uint64(unix.SIGXCPU), "SIGXCPU"},
	{uint64(unix.SIGXFSZ), "SIGXFSZ"},
	{uint64(unix.SIGVTALRM), "SIGVTALRM"},
	{uint64(unix.SIGPROF), "SIGPROF"},
	{uint64(unix.SIGWINCH), "SIGWINCH"},
	{uint64(unix.SIGIO), "SIGIO"},
	{uint64(unix.SIGPWR), "SIGPWR"},
	{uint64(unix.SIGSYS), "SIGSYS"},
}}

// What the operations of prctl, fcntl and fsconfig take. The first row of a call's
// own parameters is the fallback for an operation that is not named here.
var (
	prctlSignal = []param{{"option", &prctlOptions}, {"sig", &signals}}
	prctlDump   = []param{{"option", &prctlOptions}, {"dumpable", &dumpable}}
	prctlOne    = []param{{"option", &prctlOptions}, {"arg2", &unsigned}}
	prctlCap    = []param{{"option", &prctlOptions}, {"cap", &unsigned}}
	prctlFive   = []param{{"option", &prctlOptions}, {"arg2", &unsigned}, {"arg3", &unsigned}, {"arg4", &unsigned}, {"arg5", &unsigned}}
	prctlNone   = []param{{"option", &prctlOptions}}
	prctlText   = []param{{"option", &prctlOptions}, {"name", &text}}
	prctlRaise  = []param{{"option", &prctlOptions}, {"command", &ambientCommands}, {"cap", &unsigned}, {"arg4", &unsigned}, {"arg5", &unsigned}}
	fcntlFlags  = []param{{"fd", &fd}, {"cmd", &fcntlCommands}, {"flags", &fdFlags}}
)

var prctlVariants = []variant{
	{unix.PR_SET_PDEATHSIG, 2, prctlSignal},
	{unix.PR_SET_DUMPABLE, 2, prctlDump},
	{unix.PR_SET_KEEPCAPS, 2, prctlOne},
	{unix.PR_SET_SECUREBITS, 2, prctlOne},
	{unix.PR_SET_TIMERSLACK, 2, prctlOne},
	{unix.PR_SET_CHILD_SUBREAPER, 2, prctlOne},
	{unix.PR_CAPBSET_READ, 2, prctlCap},
	{unix.PR_CAPBSET_DROP, 2, prctlCap},
	{unix.PR_SET_NO_NEW_PRIVS, 2, prctlFive},
	{unix.PR_GET_DUMPABLE, 1, prctlNone},
	{unix.PR_SET_NAME, 2, prctlText},
	{unix.PR_CAP_AMBIENT, 2, prctlRaise},
}

// TIOCGPTPEER takes flags and TIOCSCTTY a number, where other requests take a pointer.
var ioctlVariants = []variant{
	{unix.TIOCGPTPEER, 3, []param{{"fd", &fd}, {"request", &ioctlRequests}, {"flags", &openFlags}}},
	{unix.TIOCSCTTY, 3, []param{{"fd", &fd}, {"request", &ioctlRequests}, {"steal", &integer}}},
}

var futexVariants = []variant{
	{futexCmpRequeue, 6, []param{{"uaddr", &pointer}, {"op", &futexOps}, {"val", &unsigned}, {"val2", &unsigned}, {"uaddr2", &pointer}, {"val3", &address}}},
}

var fcntlVariants = []variant{
	{unix.F_SETFD, 3, fcntlFlags},
}
