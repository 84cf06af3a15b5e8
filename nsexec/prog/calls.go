package prog

// The system calls that programs are made of. The number of each stands once for
// amd64 and once for arm64; a test holds both against golang.org/x/sys/unix.
const (
	_ Call = iota
	Accept4
	Capget
	Capset
	Chdir
	Chroot
	ClockGettime
	Clone3
	Close
	CloseRange
	Connect
	Dup3
	Execve
	Execveat
	Exit
	ExitGroup
	Faccessat2
	Fchdir
	Fchmod
	Fchmodat
	Fchown
	Fchownat
	Fcntl
	Fsconfig
	Fsmount
	Fsopen
	Fstatfs
	Ftruncate
	Futex
	Getcwd
	Getpid
	Getppid
	Getpriority
	Gettid
	Ioctl
	IoprioSet
	Keyctl
	Kill
	Linkat
	Lseek
	Mkdirat
	Mknodat
	Mmap
	Mount
	MountSetattr
	MoveMount
	Mremap
	Munmap
	OpenTree
	Openat2
	Personality
	PidfdOpen
	PidfdSendSignal
	PivotRoot
	Ppoll
	Prctl
	Prlimit64
	Read
	Readlinkat
	Recvfrom
	RtSigaction
	RtSigprocmask
	RtSigsuspend
	SchedSetaffinity
	SchedSetattr
	Seccomp
	Sendmsg
	Sendto
	SetMempolicy
	Setdomainname
	Setgroups
	Sethostname
	Setns
	Setpriority
	Setresgid
	Setresuid
	Setsid
	Socket
	Socketpair
	Statx
	Symlinkat
	Umask
	Umount2
	Unlinkat
	Unshare
	Wait4
	Waitid
	Write
)

var calls = [...]row{
	Accept4:          {name: "accept4", amd64: 288, arm64: 242, nonzero: true, needed: 4, params: []param{{"fd", &fd}, {"addr", &pointer}, {"addrlen", &pointer}, {"flags", &socketFlags}}},
	Capget:           {name: "capget", amd64: 125, arm64: 90, needed: 2, params: []param{{"hdrp", &pointer}, {"datap", &pointer}}},
	Capset:           {name: "capset", amd64: 126, arm64: 91, needed: 2, params: []param{{"hdrp", &pointer}, {"datap", &pointer}}},
	Chdir:            {name: "chdir", amd64: 80, arm64: 49, needed: 1, params: []param{{"path", &text}}},
	Chroot:           {name: "chroot", amd64: 161, arm64: 51, needed: 1, params: []param{{"path", &text}}},
	ClockGettime:     {name: "clock_gettime", amd64: 228, arm64: 113, needed: 2, params: []param{{"clockid", &clocks}, {"tp", &pointer}}},
	Clone3:           {name: "clone3", amd64: 435, arm64: 435, needed: 2, params: []param{{"cl_args", &pointer}, {"size", &unsigned}}},
	Close:            {name: "close", amd64: 3, arm64: 57, needed: 1, params: []param{{"fd", &fd}}},
	CloseRange:       {name: "close_range", amd64: 436, arm64: 436, needed: 3, params: []param{{"first", &unsigned}, {"last", &unsigned}, {"flags", &closeRangeFlags}}},
	Connect:          {name: "connect", amd64: 42, arm64: 203, needed: 3, params: []param{{"fd", &fd}, {"addr", &pointer}, {"addrlen", &unsigned}}},
	Dup3:             {name: "dup3", amd64: 292, arm64: 24, needed: 3, params: []param{{"oldfd", &fd}, {"newfd", &fd}, {"flags", &openFlags}}},
	Execve:           {name: "execve", amd64: 59, arm64: 221, ends: endsOnSuccess, needed: 3, params: []param{{"pathname", &text}, {"argv", &pointer}, {"envp", &pointer}}},
	Execveat:         {name: "execveat", amd64: 322, arm64: 281, ends: endsOnSuccess, needed: 5, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"argv", &pointer}, {"envp", &pointer}, {"flags", &atFlags}}},
	Exit:             {name: "exit", amd64: 60, arm64: 93, ends: endsProgram, needed: 1, params: []param{{"status", &integer}}},
	ExitGroup:        {name: "exit_group", amd64: 231, arm64: 94, ends: endsProgram, needed: 1, params: []param{{"status", &integer}}},
	Faccessat2:       {name: "faccessat2", amd64: 439, arm64: 439, needed: 4, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"mode", &accessModes}, {"flags", &accessFlags}}},
	Fchdir:           {name: "fchdir", amd64: 81, arm64: 50, needed: 1, params: []param{{"fd", &fd}}},
	Fchmod:           {name: "fchmod", amd64: 91, arm64: 52, needed: 2, params: []param{{"fd", &fd}, {"mode", &mode3}}},
	Fchmodat:         {name: "fchmodat", amd64: 268, arm64: 53, needed: 3, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"mode", &mode3}}},
	Fchown:           {name: "fchown", amd64: 93, arm64: 55, needed: 3, params: []param{{"fd", &fd}, {"owner", &id}, {"group", &id}}},
	Fchownat:         {name: "fchownat", amd64: 260, arm64: 54, needed: 5, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"owner", &id}, {"group", &id}, {"flags", &atFlags}}},
	Fcntl:            {name: "fcntl", amd64: 72, arm64: 25, needed: 2, selector: 1, variants: fcntlVariants, params: []param{{"fd", &fd}, {"cmd", &fcntlCommands}, {"arg", &unsigned}}},
	Fsconfig:         {name: "fsconfig", amd64: 431, arm64: 431, needed: 2, params: []param{{"fd", &fd}, {"cmd", &fsconfigCommands}, {"key", &text}, {"value", &text}, {"aux", &integer}}},
	Fsmount:          {name: "fsmount", amd64: 432, arm64: 432, nonzero: true, needed: 3, params: []param{{"fd", &fd}, {"flags", &fsmountFlags}, {"attr_flags", &mountAttrs}}},
	Fsopen:           {name: "fsopen", amd64: 430, arm64: 430, nonzero: true, needed: 2, params: []param{{"fsname", &text}, {"flags", &fsopenFlags}}},
	Fstatfs:          {name: "fstatfs", amd64: 138, arm64: 44, needed: 2, params: []param{{"fd", &fd}, {"buf", &pointer}}},
	Ftruncate:        {name: "ftruncate", amd64: 77, arm64: 46, needed: 2, params: []param{{"fd", &fd}, {"length", &integer}}},
	Futex:            {name: "futex", amd64: 202, arm64: 98, needed: 4, selector: 1, variants: futexVariants, params: []param{{"uaddr", &pointer}, {"op", &futexOps}, {"val", &address}, {"timeout", &pointer}}},
	Getcwd:           {name: "getcwd", amd64: 79, arm64: 17, needed: 2, params: []param{{"buf", &pointer}, {"size", &unsigned}}},
	Getpid:           {name: "getpid", amd64: 39, arm64: 172, nonzero: true, needed: 0, params: []param{}},
	Getppid:          {name: "getppid", amd64: 110, arm64: 173, needed: 0, params: []param{}},
	Getpriority:      {name: "getpriority", amd64: 140, arm64: 141, needed: 2, params: []param{{"which", &priorityWhich}, {"who", &integer}}},
	Gettid:           {name: "gettid", amd64: 186, arm64: 178, nonzero: true, needed: 0, params: []param{}},
	Ioctl:            {name: "ioctl", amd64: 16, arm64: 29, needed: 2, selector: 1, variants: ioctlVariants, params: []param{{"fd", &fd}, {"request", &ioctlRequests}, {"argp", &pointer}}},
	IoprioSet:        {name: "ioprio_set", amd64: 251, arm64: 30, needed: 3, params: []param{{"which", &ioprioWho}, {"who", &integer}, {"ioprio", &ioprio}}},
	Keyctl:           {name: "keyctl", amd64: 250, arm64: 219, needed: 1, selector: 0, variants: keyctlVariants, params: []param{{"operation", &keyctlOperations}, {"arg2", &address}, {"arg3", &unsigned}, {"arg4", &unsigned}, {"arg5", &unsigned}}},
	Kill:             {name: "kill", amd64: 62, arm64: 129, needed: 2, params: []param{{"pid", &integer}, {"sig", &signals}}},
	Linkat:           {name: "linkat", amd64: 265, arm64: 37, needed: 5, params: []param{{"olddirfd", &fd}, {"oldpath", &text}, {"newdirfd", &fd}, {"newpath", &text}, {"flags", &atFlags}}},
	Lseek:            {name: "lseek", amd64: 8, arm64: 62, needed: 3, params: []param{{"fd", &fd}, {"offset", &integer}, {"whence", &seekWhence}}},
	Mkdirat:          {name: "mkdirat", amd64: 258, arm64: 34, needed: 3, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"mode", &mode3}}},
	Mknodat:          {name: "mknodat", amd64: 259, arm64: 33, needed: 4, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"mode", &fileType}, {"dev", &device}}},
	Mmap:             {name: "mmap", amd64: 9, arm64: 222, nonzero: true, needed: 6, params: []param{{"addr", &address}, {"length", &unsigned}, {"prot", &protFlags}, {"flags", &mmapFlags}, {"fd", &fd}, {"offset", &address}}},
	Mount:            {name: "mount", amd64: 165, arm64: 40, needed: 5, params: []param{{"source", &text}, {"target", &text}, {"filesystemtype", &text}, {"mountflags", &mountFlags}, {"data", &text}}},
	MountSetattr:     {name: "mount_setattr", amd64: 442, arm64: 442, needed: 5, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"flags", &atFlags}, {"uattr", &pointer}, {"usize", &unsigned}}},
	MoveMount:        {name: "move_mount", amd64: 429, arm64: 429, needed: 5, params: []param{{"from_dirfd", &fd}, {"from_pathname", &text}, {"to_dirfd", &fd}, {"to_pathname", &text}, {"flags", &moveMountFlags}}},
	Mremap:           {name: "mremap", amd64: 25, arm64: 216, nonzero: true, needed: 5, params: []param{{"old_address", &address}, {"old_size", &unsigned}, {"new_size", &unsigned}, {"flags", &mremapFlags}, {"new_address", &address}}},
	Munmap:           {name: "munmap", amd64: 11, arm64: 215, needed: 2, params: []param{{"addr", &address}, {"length", &unsigned}}},
	OpenTree:         {name: "open_tree", amd64: 428, arm64: 428, nonzero: true, needed: 3, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"flags", &openTreeFlags}}},
	Openat2:          {name: "openat2", amd64: 437, arm64: 437, nonzero: true, needed: 4, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"how", &pointer}, {"size", &unsigned}}},
	Personality:      {name: "personality", amd64: 135, arm64: 92, needed: 1, params: []param{{"persona", &personas}}},
	PidfdOpen:        {name: "pidfd_open", amd64: 434, arm64: 434, nonzero: true, needed: 2, params: []param{{"pid", &integer}, {"flags", &address}}},
	PidfdSendSignal:  {name: "pidfd_send_signal", amd64: 424, arm64: 424, needed: 4, params: []param{{"pidfd", &fd}, {"sig", &signals}, {"info", &pointer}, {"flags", &address}}},
	PivotRoot:        {name: "pivot_root", amd64: 155, arm64: 41, needed: 2, params: []param{{"new_root", &text}, {"put_old", &text}}},
	Ppoll:            {name: "ppoll", amd64: 271, arm64: 73, needed: 5, params: []param{{"fds", &pointer}, {"nfds", &unsigned}, {"timeout", &pointer}, {"sigmask", &pointer}, {"sigsetsize", &unsigned}}},
	Prctl:            {name: "prctl", amd64: 157, arm64: 167, needed: 1, selector: 0, variants: prctlVariants, params: []param{{"option", &prctlOptions}, {"arg2", &unsigned}, {"arg3", &unsigned}, {"arg4", &unsigned}, {"arg5", &unsigned}}},
	Prlimit64:        {name: "prlimit64", amd64: 302, arm64: 261, needed: 4, params: []param{{"pid", &integer}, {"resource", &rlimits}, {"new_limit", &pointer}, {"old_limit", &pointer}}},
	Read:             {name: "read", amd64: 0, arm64: 63, needed: 3, params: []param{{"fd", &fd}, {"buf", &pointer}, {"count", &unsigned}}},
	Readlinkat:       {name: "readlinkat", amd64: 267, arm64: 78, needed: 4, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"buf", &pointer}, {"bufsiz", &unsigned}}},
	Recvfrom:         {name: "recvfrom", amd64: 45, arm64: 207, needed: 6, params: []param{{"fd", &fd}, {"buf", &pointer}, {"len", &unsigned}, {"flags", &msgFlags}, {"src_addr", &pointer}, {"addrlen", &pointer}}},
	RtSigaction:      {name: "rt_sigaction", amd64: 13, arm64: 134, needed: 4, params: []param{{"signum", &signals}, {"act", &pointer}, {"oldact", &pointer}, {"sigsetsize", &unsigned}}},
	RtSigprocmask:    {name: "rt_sigprocmask", amd64: 14, arm64: 135, needed: 4, params: []param{{"how", &sigmaskHow}, {"set", &pointer}, {"oldset", &pointer}, {"sigsetsize", &unsigned}}},
	RtSigsuspend:     {name: "rt_sigsuspend", amd64: 130, arm64: 133, ends: alwaysFails, needed: 2, params: []param{{"mask", &pointer}, {"sigsetsize", &unsigned}}},
	SchedSetaffinity: {name: "sched_setaffinity", amd64: 203, arm64: 122, needed: 3, params: []param{{"pid", &integer}, {"len", &unsigned}, {"mask", &pointer}}},
	SchedSetattr:     {name: "sched_setattr", amd64: 314, arm64: 274, needed: 3, params: []param{{"pid", &integer}, {"attr", &pointer}, {"flags", &address}}},
	Seccomp:          {name: "seccomp", amd64: 317, arm64: 277, needed: 3, params: []param{{"operation", &unsigned}, {"flags", &address}, {"args", &pointer}}},
	Sendmsg:          {name: "sendmsg", amd64: 46, arm64: 211, needed: 3, params: []param{{"fd", &fd}, {"msg", &pointer}, {"flags", &msgFlags}}},
	Sendto:           {name: "sendto", amd64: 44, arm64: 206, needed: 6, params: []param{{"fd", &fd}, {"buf", &pointer}, {"len", &unsigned}, {"flags", &msgFlags}, {"dest_addr", &pointer}, {"addrlen", &unsigned}}},
	SetMempolicy:     {name: "set_mempolicy", amd64: 238, arm64: 237, needed: 3, params: []param{{"mode", &memoryPolicy}, {"nodemask", &pointer}, {"maxnode", &unsigned}}},
	Setdomainname:    {name: "setdomainname", amd64: 171, arm64: 162, needed: 2, params: []param{{"name", &text}, {"len", &unsigned}}},
	Setgroups:        {name: "setgroups", amd64: 116, arm64: 159, needed: 2, params: []param{{"size", &unsigned}, {"list", &pointer}}},
	Sethostname:      {name: "sethostname", amd64: 170, arm64: 161, needed: 2, params: []param{{"name", &text}, {"len", &unsigned}}},
	Setns:            {name: "setns", amd64: 308, arm64: 268, needed: 2, params: []param{{"fd", &fd}, {"nstype", &namespaceFlags}}},
	Setpriority:      {name: "setpriority", amd64: 141, arm64: 140, needed: 3, params: []param{{"which", &priorityWhich}, {"who", &integer}, {"prio", &integer}}},
	Setresgid:        {name: "setresgid", amd64: 119, arm64: 149, needed: 3, params: []param{{"rgid", &id}, {"egid", &id}, {"sgid", &id}}},
	Setresuid:        {name: "setresuid", amd64: 117, arm64: 147, needed: 3, params: []param{{"ruid", &id}, {"euid", &id}, {"suid", &id}}},
	Setsid:           {name: "setsid", amd64: 112, arm64: 157, needed: 0, params: []param{}},
	Socket:           {name: "socket", amd64: 41, arm64: 198, nonzero: true, needed: 3, params: []param{{"domain", &socketDomains}, {"type", &socketTypes}, {"protocol", &integer}}},
	Socketpair:       {name: "socketpair", amd64: 53, arm64: 199, needed: 4, params: []param{{"domain", &socketDomains}, {"type", &socketTypes}, {"protocol", &integer}, {"sv", &pointer}}},
	Statx:            {name: "statx", amd64: 332, arm64: 291, needed: 5, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"flags", &statxFlags}, {"mask", &statxMask}, {"statxbuf", &pointer}}},
	Symlinkat:        {name: "symlinkat", amd64: 266, arm64: 36, needed: 3, params: []param{{"target", &text}, {"newdirfd", &fd}, {"linkpath", &text}}},
	Umask:            {name: "umask", amd64: 95, arm64: 166, needed: 1, params: []param{{"mask", &mode3}}},
	Umount2:          {name: "umount2", amd64: 166, arm64: 39, needed: 2, params: []param{{"target", &text}, {"flags", &umountFlags}}},
	Unlinkat:         {name: "unlinkat", amd64: 263, arm64: 35, needed: 3, params: []param{{"dirfd", &fd}, {"pathname", &text}, {"flags", &atFlags}}},
	Unshare:          {name: "unshare", amd64: 272, arm64: 97, needed: 1, params: []param{{"flags", &namespaceFlags}}},
	Wait4:            {name: "wait4", amd64: 61, arm64: 260, needed: 4, params: []param{{"pid", &integer}, {"wstatus", &pointer}, {"options", &waitOptions}, {"rusage", &pointer}}},
	Waitid:           {name: "waitid", amd64: 247, arm64: 95, needed: 5, params: []param{{"which", &idTypes}, {"pid", &integer}, {"infop", &pointer}, {"options", &waitOptions}, {"rusage", &pointer}}},
	Write:            {name: "write", amd64: 1, arm64: 64, needed: 3, params: []param{{"fd", &fd}, {"buf", &text}, {"count", &unsigned}}},
}
