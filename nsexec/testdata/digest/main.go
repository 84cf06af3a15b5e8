// Command digest prints what must not depend on how a Go program is built: the
// SHA-256 of the interpreter that it finds in its own text, the digest of the image of
// one fixed program, and that of the init.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

func main() {
	b := &prog.Builder{}
	nsexec.Begin(b, 3)
	nsexec.EmitCloseOnExec(b, 3)
	b.Add(prog.Op{Call: prog.Execve, Args: prog.Args{prog.Str("/bin/true"), prog.Strings([]string{"true"}), prog.Strings(nil)}, Tolerate: unix.ENOENT})
	b.Add(prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(1)}})
	p, err := b.Program()
	if err != nil {
		fail(err)
	}
	image, err := nsexec.NewImage(p)
	if err != nil {
		fail(err)
	}
	// The code begins at the entry point, and nothing but zeros follows it in its page.
	code := bytes.TrimRight(image.Bytes()[0x140:0x1000], "\x00")
	reaper, err := nsexec.ReaperDigest()
	if err != nil {
		fail(err)
	}
	fmt.Printf("%x %s %s\n", sha256.Sum256(code), image.Digest(), reaper)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
