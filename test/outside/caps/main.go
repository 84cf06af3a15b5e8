// Command caps prints what processes may do: for each process id that it is given, the
// names of the capabilities that are in effect.
package main

import (
	"fmt"
	"os"

	"github.com/selfcontain/runtime/caps"
)

func main() {
	for _, pid := range os.Args[1:] {
		status, err := os.ReadFile("/proc/" + pid + "/status")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		sets, err := caps.ParseStatus(status)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%s: %v; after an execve by uid 1000: %v\n", pid, sets.Effective, sets.AfterExec(1000, false).Effective)
	}
}
