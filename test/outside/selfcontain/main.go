// Selfcontain moves itself into a container.
package main

import (
	"fmt"
	"log"
	"os"

	"github.com/selfcontain/runtime/selfcontain"
)

func main() {
	node := &selfcontain.Config{Name: "node", Data: os.Args[1]} // Master: "enp1s0" gives it an address of its own
	if name, err := os.Hostname(); os.Args[1] == "inside" {
		fmt.Println("process", os.Getpid(), "on", name, err)
	} else if err := selfcontain.RunWithArgs(node, []string{"inside"}); err != nil {
		log.Fatal(err)
	}
}
