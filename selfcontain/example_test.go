package selfcontain_test

import (
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"

	"github.com/selfcontain/runtime/selfcontain"
)

// A program that is to be a node of a cluster does the rest of its work inside.
func ExampleRunWithArgs() {
	if len(os.Args) > 1 && os.Args[1] == "node" {
		serve()
		return
	}
	err := selfcontain.RunWithArgs(&selfcontain.Config{
		Name:   "node-1",
		Data:   "/var/lib/node-1",
		Master: "enp1s0", // what is not said of the network is found out by router advertisements
		DNS:    []net.IP{net.ParseIP("2001:db8::53")},
	}, []string{"node"})
	var exit *selfcontain.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		log.Fatal(err)
	}
}

// serve is the program inside. It limits what it starts.
func serve() {
	if err := selfcontain.Evacuate(); err != nil {
		log.Fatal(err)
	}
	const group = "/sys/fs/cgroup/workers"
	err := errors.Join(os.Mkdir(group, 0o755), os.WriteFile(group+"/memory.max", []byte("1G"), 0))
	if err == nil {
		err = exec.Command("containerd").Run()
	}
	if err != nil {
		log.Fatal(err)
	}
}

// A container may be brought up first, looked at, and given a main process later. It is the same one
// after Stop, with its data.
func ExampleContainer() {
	c, err := selfcontain.Get(&selfcontain.Config{Name: "node-1", Data: "/var/lib/node-1"})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Run(); err != nil {
		log.Fatal(err)
	}
	netns, err := c.GetNS("NEWNET")
	fmt.Println("nsenter --net="+netns, err)
	if err := c.Exec([]string{"prepare"}); err != nil {
		log.Fatal(err)
	}
	if err := c.Start([]string{"node"}); err != nil {
		log.Fatal(err)
	}
	// and in the end
	err = errors.Join(c.Stop(), c.Destroy())
	fmt.Println(err)
}

// Before a program in its container limits what it starts, its own processes make room: a
// cgroup that hands controllers down has no processes.
func ExampleEvacuate() {
	if err := selfcontain.Evacuate(); err != nil {
		log.Fatal(err)
	}
	const group = "/sys/fs/cgroup/workers"
	err := os.Mkdir(group, 0o755)
	if err == nil {
		err = os.WriteFile(group+"/pids.max", []byte("100"), 0)
	}
	if err != nil {
		log.Fatal(err)
	}
}
