// Command nsexec runs a program under another host name, as root.
package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: nsexec HOSTNAME PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	status, err := run(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(status)
}

func run(name string, argv []string) (int, error) {
	b := &prog.Builder{}
	nsexec.Begin(b, 3)
	b.Add(prog.Op{Call: prog.Sethostname, Args: prog.Args{prog.Str(name), prog.Int(len(name))}})
	nsexec.EmitCloseOnExec(b, 3)
	b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str(argv[0]), prog.Strings(argv), prog.Strings(os.Environ())}})
	program, err := b.Program()
	if err != nil {
		return 0, err
	}
	image, err := nsexec.NewImage(program)
	if err != nil {
		return 0, err
	}
	process, err := nsexec.Start(nsexec.Config{
		Image: image, Namespaces: unix.CLONE_NEWUTS,
		Files: []prog.FD{{Num: 0, Name: "stdin"}, {Num: 1, Name: "stdout"}, {Num: 2, Name: "stderr"}},
	})
	if err != nil {
		return 0, err
	}
	defer process.Close()
	status, err := process.Wait()
	return status.ExitStatus(), err
}
