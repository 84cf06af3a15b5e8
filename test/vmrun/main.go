package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	if inGuest() {
		if os.Getenv("VMRUN_AGENT") != "" || os.Args[0] == agentName {
			runAgent()
		}
		if os.Getpid() == 1 && exists(configFile) {
			runInit()
		}
	}
	runtime.LockOSThread() // QEMU's Pdeathsig is about the thread that started it
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "vmrun:", err)
	}
	os.Exit(code)
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}
