// Command mounts checks a line of fstab(5) as the mount of a container, and prints the
// system calls that it comes to.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

func main() {
	fields := strings.Fields(os.Args[1])
	tree := mounts.Tree{
		Root: prog.FD{Num: 3, Name: "root"},
		Mounts: []mounts.Mount{{
			Source: fields[0], Destination: fields[1], Type: fields[2], Options: strings.Split(fields[3], ","),
			Origin: "fstab",
		}},
	}
	var b prog.Builder
	if _, err := mounts.EmitTree(&b, &tree); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	b.Add(prog.Op{Call: prog.ExitGroup, Args: prog.Args{prog.Int(0)}})
	p, err := b.Program()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for i := range p.Len() {
		if op := p.Op(i); op.Origin == "fstab" {
			fmt.Println(p.Text(i))
		}
	}
}
