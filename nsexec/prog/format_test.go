package prog_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// build is a small program with all that the text shows: a slot, a label, an error
// that is tolerated, structures and lists.
func build() *prog.Program {
	var b prog.Builder
	root, missing := b.Slot("root"), b.Label("missing")
	b.From("root.path")
	b.Add(prog.Op{
		Call: prog.OpenTree, Out: root, OnError: missing,
		Args: prog.Args{prog.Int(0xffffff9c), prog.Str("/srv/\"a\""), prog.Int(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)},
		Why:  "the new root",
		Hint: "ENOENT: the directory does not exist",
	})
	b.Add(prog.Op{Call: prog.Fchdir, Args: prog.Args{root}, Why: "to be pivoted to"})
	b.From("")
	b.Add(prog.Op{Call: prog.Mkdirat, Args: prog.Args{root, prog.Str("proc"), prog.Int(0o755)}, Tolerate: unix.EEXIST, Why: "a mount point"})
	b.Add(prog.Op{Call: prog.Openat2, Args: prog.Args{root, prog.Str("log"), prog.OpenHow(unix.O_WRONLY|unix.O_CLOEXEC, 0, unix.RESOLVE_IN_ROOT), prog.Int(prog.OpenHowSize)}})
	b.Add(prog.Op{Call: prog.Setresuid, Args: prog.Args{prog.Int(1000), prog.Int(1000), prog.Int(1000)}})
	b.Add(prog.Op{Call: prog.Setgroups, Args: prog.Args{prog.Int(2), prog.Gids([]uint32{5, 6})}})
	b.Add(prog.Op{Call: prog.Prlimit64, Args: prog.Args{prog.Int(0), prog.Int(unix.RLIMIT_NOFILE), prog.Rlimit(1024, unix.RLIM_INFINITY)}})
	b.Add(prog.Op{Call: prog.CloseRange, Args: prog.Args{prog.Int(3), prog.Int(0xffffffff)}, OnResult: missing})
	b.Add(prog.Op{Call: prog.Fcntl, Args: prog.Args{prog.FD{Num: 4, Name: "gate"}, prog.Int(unix.F_SETFD), prog.Int(unix.FD_CLOEXEC)}})
	b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/bin/sh"), prog.Strings([]string{"sh", "-c", "a\tb"}), &prog.Block{Hidden: true}}, Why: "the program"})
	b.Bind(missing)
	b.Add(prog.Op{Call: prog.Exit, Args: prog.Args{prog.Int(127)}, Why: "no root"})
	p, err := b.Program()
	if err != nil {
		panic(err)
	}
	return p
}

func ExampleProgram_Format() {
	fmt.Printf("%v", build())
	// Output:
	//   0  $root = open_tree(AT_FDCWD, "/srv/\"a\"", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC); error: go to 10  # the new root
	//   1  fchdir($root)                                                                                  # to be pivoted to
	//   2  mkdirat($root, "proc", 0755); EEXIST is fine                                                   # a mount point
	//   3  openat2($root, "log", {flags=O_WRONLY|O_CLOEXEC, resolve=RESOLVE_IN_ROOT}, 24)
	//   4  setresuid(1000, 1000, 1000)
	//   5  setgroups(2, [5, 6])
	//   6  prlimit64(0, RLIMIT_NOFILE, {rlim_cur=1024, rlim_max=RLIM64_INFINITY}, NULL)
	//   7  close_range(3, ~0U, 0); result: go to 10
	//   8  fcntl(4<gate>, F_SETFD, FD_CLOEXEC)
	//   9  execve("/bin/sh", ["sh", "-c", "a\tb"], ...)                                                   # the program
	//  10  exit(127)                                                                                      # no root
}

func ExampleProgram_Format_plus() {
	fmt.Printf("%+v", build())
	// Output:
	//   0  $root = open_tree(AT_FDCWD, "/srv/\"a\"", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC); error: go to 10  # the new root
	//        from root.path
	//        a failure most likely means: ENOENT: the directory does not exist
	//        man 2 open_tree
	//   1  fchdir($root)                                                                                  # to be pivoted to
	//        from root.path
	//        man 2 fchdir
	//   2  mkdirat($root, "proc", 0755); EEXIST is fine                                                   # a mount point
	//        man 2 mkdirat
	//   3  openat2($root, "log", {flags=O_WRONLY|O_CLOEXEC, resolve=RESOLVE_IN_ROOT}, 24)
	//        man 2 openat2
	//   4  setresuid(1000, 1000, 1000)
	//        man 2 setresuid
	//   5  setgroups(2, [5, 6])
	//        man 2 setgroups
	//   6  prlimit64(0, RLIMIT_NOFILE, {rlim_cur=1024, rlim_max=RLIM64_INFINITY}, NULL)
	//        man 2 prlimit64
	//   7  close_range(3, ~0U, 0); result: go to 10
	//        man 2 close_range
	//   8  fcntl(4<gate>, F_SETFD, FD_CLOEXEC)
	//        man 2 fcntl
	//   9  execve("/bin/sh", ["sh", "-c", "a\tb"], ...)                                                   # the program
	//        man 2 execve
	//  10  exit(127)                                                                                      # no root
	//        man 2 exit
}

func TestFormatHasNoTrailingSpace(t *testing.T) {
	text := fmt.Sprintf("%v", build())
	for i := 1; i < len(text); i++ {
		if text[i] == '\n' && text[i-1] == ' ' {
			t.Fatalf("a line ends in a space:\n%s", text)
		}
	}
}

func TestCalls(t *testing.T) {
	want := []string{"open_tree", "fchdir", "mkdirat", "openat2", "setresuid", "setgroups", "prlimit64", "close_range", "fcntl", "execve", "exit"}
	if got := fmt.Sprint(build().Calls()); got != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestJSON(t *testing.T) {
	text, err := json.Marshal(build())
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(goldenJSON), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s", text)
	}
}

// TestTexts holds the text of single operations, most of them as strace 6.1 wrote
// them for the same call.
func TestTexts(t *testing.T) {
	how := func(flags, mode, resolve uint64) prog.Op {
		return prog.Op{Call: prog.Openat2, Args: prog.Args{prog.FD{Num: 3}, prog.Str("x"), prog.OpenHow(flags, mode, resolve), prog.Int(prog.OpenHowSize)}}
	}
	attr := func(set, clear, propagation uint64) prog.Op {
		return prog.Op{Call: prog.MountSetattr, Args: prog.Args{prog.FD{Num: 3}, prog.Str(""), prog.Int(unix.AT_EMPTY_PATH), prog.MountAttr(set, clear, propagation, nil), prog.Int(prog.MountAttrSize)}}
	}
	rows := []struct {
		op   prog.Op
		want string
	}{
		{how(unix.O_RDONLY, 0, unix.RESOLVE_BENEATH), `openat2(3, "x", {flags=O_RDONLY, resolve=RESOLVE_BENEATH}, 24)`},
		{how(unix.O_RDONLY|unix.O_CLOEXEC, 0, 0), `openat2(3, "x", {flags=O_RDONLY|O_CLOEXEC, resolve=0}, 24)`},
		{how(unix.O_RDWR|unix.O_TMPFILE|unix.O_CLOEXEC, 0o644, unix.RESOLVE_BENEATH), `openat2(3, "x", {flags=O_RDWR|O_CLOEXEC|O_TMPFILE, mode=0644, resolve=RESOLVE_BENEATH}, 24)`},
		{how(unix.O_WRONLY|unix.O_SYNC, 0, unix.RESOLVE_BENEATH), `openat2(3, "x", {flags=O_WRONLY|O_SYNC, resolve=RESOLVE_BENEATH}, 24)`},
		{attr(unix.MOUNT_ATTR_NOATIME, unix.MOUNT_ATTR__ATIME, unix.MS_PRIVATE), `mount_setattr(3, "", AT_EMPTY_PATH, {attr_set=MOUNT_ATTR_NOATIME, attr_clr=MOUNT_ATTR__ATIME, propagation=MS_PRIVATE, userns_fd=0}, 32)`},
		{prog.Op{Call: prog.Faccessat2, Args: prog.Args{prog.FD{Num: 3}, prog.Str("x"), prog.Int(unix.F_OK)}}, `faccessat2(3, "x", F_OK, 0)`},
		{prog.Op{Call: prog.Faccessat2, Args: prog.Args{prog.FD{Num: 3}, prog.Str("x"), prog.Int(unix.X_OK), prog.Int(unix.AT_EACCESS)}}, `faccessat2(3, "x", X_OK, AT_EACCESS)`},
		{prog.Op{Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_NO_NEW_PRIVS), prog.Int(1), prog.Int(0), prog.Int(0), prog.Int(0)}}, "prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)"},
		{prog.Op{Call: prog.Prctl, Args: prog.Args{prog.Int(unix.PR_SET_PDEATHSIG), prog.Int(uint64(unix.SIGKILL))}}, "prctl(PR_SET_PDEATHSIG, SIGKILL)"},
		{prog.Op{Call: prog.Setresgid, Args: prog.Args{prog.Int(0xffffffff), prog.Int(0), prog.Int(0xffffffff)}}, "setresgid(-1, 0, -1)"},
		{prog.Op{Call: prog.Mount, Args: prog.Args{prog.Str("a"), prog.Str("b"), prog.Str("c"), prog.Int(unix.MS_NOSUID)}}, `mount("a", "b", "c", MS_NOSUID, NULL)`},
		{prog.Op{Call: prog.Mount, Args: prog.Args{nil, prog.Str("/"), nil, prog.Int(unix.MS_REC | unix.MS_SLAVE)}}, `mount(NULL, "/", NULL, MS_REC|MS_SLAVE, NULL)`},
		{prog.Op{Call: prog.Unshare, Args: prog.Args{prog.Int(unix.CLONE_NEWNS | unix.CLONE_NEWPID)}}, "unshare(CLONE_NEWNS|CLONE_NEWPID)"},
		{prog.Op{Call: prog.Setsid}, "setsid()"},
		{prog.Op{Call: prog.SchedSetattr, Args: prog.Args{prog.Int(0), prog.SchedAttr(unix.SCHED_BATCH, unix.SCHED_FLAG_RESET_ON_FORK|unix.SCHED_FLAG_UTIL_CLAMP_MAX, -5, 0, 0, 0, 0), prog.Int(0)}},
			"sched_setattr(0, {size=56, sched_policy=SCHED_BATCH, sched_flags=SCHED_FLAG_RESET_ON_FORK|SCHED_FLAG_UTIL_CLAMP_MAX, sched_nice=-5, sched_priority=0, sched_runtime=0, sched_deadline=0, sched_period=0, sched_util_min=0, sched_util_max=0}, 0)"},
		{prog.Op{Call: prog.SchedSetattr, Args: prog.Args{prog.Int(0), prog.SchedAttr(unix.SCHED_DEADLINE, 0, 0, 0, 10, 20, 30), prog.Int(0)}},
			"sched_setattr(0, {size=56, sched_policy=SCHED_DEADLINE, sched_flags=0, sched_nice=0, sched_priority=0, sched_runtime=10, sched_deadline=20, sched_period=30, sched_util_min=0, sched_util_max=0}, 0)"},
		{prog.Op{Call: prog.IoprioSet, Args: prog.Args{prog.Int(prog.IOPriorityProcess), prog.Int(0), prog.IOPriority(2, 4)}}, "ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4))"},
		{prog.Op{Call: prog.Personality, Args: prog.Args{prog.Int(prog.PersonaLinux32)}}, "personality(PER_LINUX32)"},
		{prog.Op{Call: prog.Personality, Args: prog.Args{prog.Int(prog.PersonaLinux)}}, "personality(PER_LINUX)"},
		{prog.Op{Call: prog.SetMempolicy, Args: prog.Args{prog.Int(unix.MPOL_BIND | unix.MPOL_F_STATIC_NODES), prog.NodeMask([]uint64{5}), prog.Int(65)}}, "set_mempolicy(MPOL_BIND|MPOL_F_STATIC_NODES, [0x5], 65)"},
		{prog.Op{Call: prog.SetMempolicy, Args: prog.Args{prog.Int(unix.MPOL_LOCAL), prog.Int(0), prog.Int(0)}}, "set_mempolicy(MPOL_LOCAL, NULL, 0)"},
		{prog.Op{Call: prog.Keyctl, Args: prog.Args{prog.Int(unix.KEYCTL_JOIN_SESSION_KEYRING), prog.Str("_ses.box")}}, `keyctl(KEYCTL_JOIN_SESSION_KEYRING, "_ses.box")`},
		{prog.Op{Call: prog.Keyctl, Args: prog.Args{prog.Int(unix.KEYCTL_JOIN_SESSION_KEYRING), prog.Int(0)}}, `keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)`},
		{prog.Op{Call: prog.Keyctl, Args: prog.Args{prog.Int(unix.KEYCTL_SETPERM), prog.Int(7), prog.Int(prog.KeyPossessorAll | prog.KeyUserView | prog.KeyUserSearch)}},
			"keyctl(KEYCTL_SETPERM, 7, KEY_POS_VIEW|KEY_POS_READ|KEY_POS_WRITE|KEY_POS_SEARCH|KEY_POS_LINK|KEY_POS_SETATTR|KEY_USR_VIEW|KEY_USR_SEARCH)"},
		{prog.Op{Call: prog.RtSigprocmask, Args: prog.Args{prog.Int(unix.SIG_SETMASK), prog.Sigset(^uint64(0)), prog.Int(0), prog.Int(8)}}, "rt_sigprocmask(SIG_SETMASK, ~[], NULL, 8)"},
		{prog.Op{Call: prog.RtSigprocmask, Args: prog.Args{prog.Int(unix.SIG_BLOCK), prog.Sigset(1<<0 | 1<<16), prog.Int(0), prog.Int(8)}}, "rt_sigprocmask(SIG_BLOCK, [HUP CHLD], NULL, 8)"},
		{prog.Op{Call: prog.Waitid, Args: prog.Args{prog.Int(unix.P_PIDFD), prog.Int(0), prog.Int(0), prog.Int(unix.WEXITED | unix.WNOHANG | unix.WNOWAIT | unix.WCLONE), prog.Int(0)}}, "waitid(P_PIDFD, 0, NULL, WNOHANG|WEXITED|WNOWAIT|__WCLONE, NULL)"},
		{prog.Op{Call: 255, Args: prog.Args{prog.Int(1)}}, "call(255)()"},
	}
	for _, r := range rows {
		if got := r.op.String(); got != r.want {
			t.Errorf("got  %s\nwant %s", got, r.want)
		}
	}
}

const goldenJSON = `[
  {"index": 0, "call": "open_tree", "args": ["AT_FDCWD", "\"/srv/\\\"a\\\"\"", "OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC"], "out": "root", "onError": 10, "why": "the new root", "origin": "root.path", "hint": "ENOENT: the directory does not exist"},
  {"index": 1, "call": "fchdir", "args": ["$root"], "why": "to be pivoted to", "origin": "root.path"},
  {"index": 2, "call": "mkdirat", "args": ["$root", "\"proc\"", "0755"], "tolerate": "EEXIST", "why": "a mount point"},
  {"index": 3, "call": "openat2", "args": ["$root", "\"log\"", "{flags=O_WRONLY|O_CLOEXEC, resolve=RESOLVE_IN_ROOT}", "24"]},
  {"index": 4, "call": "setresuid", "args": ["1000", "1000", "1000"]},
  {"index": 5, "call": "setgroups", "args": ["2", "[5, 6]"]},
  {"index": 6, "call": "prlimit64", "args": ["0", "RLIMIT_NOFILE", "{rlim_cur=1024, rlim_max=RLIM64_INFINITY}", "NULL"]},
  {"index": 7, "call": "close_range", "args": ["3", "~0U", "0"], "onResult": 10},
  {"index": 8, "call": "fcntl", "args": ["4<gate>", "F_SETFD", "FD_CLOEXEC"]},
  {"index": 9, "call": "execve", "args": ["\"/bin/sh\"", "[\"sh\", \"-c\", \"a\\tb\"]", "..."], "why": "the program"},
  {"index": 10, "call": "exit", "args": ["127"], "why": "no root"}
]`
