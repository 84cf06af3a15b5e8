package nsexec_test

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// A program that makes itself a uts namespace, and a user namespace so that any user may
// do it, sets the host name there and executes uname. Root needs no user namespace and
// leaves the first operation to [nsexec.Config]: Namespaces: unix.CLONE_NEWUTS.
func Example() {
	b := &prog.Builder{}
	nsexec.Begin(b, 3) // 0, 1, 2
	b.Add(prog.Op{Call: prog.Unshare, Args: prog.Args{prog.Int(unix.CLONE_NEWUSER | unix.CLONE_NEWUTS)}})
	name := "inside"
	b.Add(prog.Op{Call: prog.Sethostname, Args: prog.Args{prog.Str(name), prog.Int(len(name))}})
	nsexec.EmitCloseOnExec(b, 3)
	argv := prog.Strings([]string{"uname", "-n"})
	b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/bin/busybox"), argv, prog.Strings(nil)}})
	program, err := b.Program()
	check(err)
	image, err := nsexec.NewImage(program)
	check(err)

	process, err := nsexec.Start(nsexec.Config{
		Image: image,
		Files: []prog.FD{{Num: 0}, {Num: int(os.Stdout.Fd())}, {Num: 2}},
	})
	check(err)
	defer process.Close()
	status, err := process.Wait()
	check(err)
	fmt.Println("exit status", status.ExitStatus())
	// Output:
	// inside
	// exit status 0
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
