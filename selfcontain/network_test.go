package selfcontain_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/selfcontain"
)

// masterName is an interface with a wire.
const masterName = "m0"

// networked is a caller with a network of its own, in which there is a master. Its arguments are
// the name and the data of the container, and what is to be executed.
func networked(args []string) int {
	for _, line := range []string{"link add " + masterName + " type veth peer name w0", "link set " + masterName + " up", "link set w0 up"} {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return failure(fmt.Errorf("ip %s: %w\n%s", line, err, out))
		}
	}
	c := &selfcontain.Config{
		Name: args[0], Data: args[1], Master: masterName,
		IP: net.IPNet{IP: net.ParseIP("2001:db8::5"), Mask: net.CIDRMask(64, 128)}, GW: net.ParseIP("2001:db8::1"),
		DNS: []net.IP{net.ParseIP("2001:db8::53"), net.IPv4(192, 0, 2, 53)},
	}
	return status(selfcontain.RunWithArgs(c, args[2:]))
}

// network prints what a program sees of its network.
func network([]string) int {
	fmt.Print(output("ip", "-d", "-o", "link", "show", "dev", "eth0"))
	fmt.Print(output("ip", "-6", "-o", "address", "show", "dev", "eth0", "scope", "global"))
	fmt.Print(output("ip", "-6", "route", "show", "default"))
	fmt.Print(contents("/etc/resolv.conf"), contents("/etc/hosts"))
	return 0
}

func TestNetworking(t *testing.T) {
	nstest.Root(t)
	nstest.Module(t, "ipvlan")
	c := config(t)
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "networked", c.Name, c.Data, "network")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET}
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, want := range []string{
		" ipvlan ", " mode l2 bridge", "inet6 2001:db8::5/64 ", "default via 2001:db8::1 dev eth0 ",
		"nameserver 2001:db8::53\nnameserver 192.0.2.53\n", "2001:db8::5\t" + c.Name + "\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
}

// TestNetworkingFollowsNoLink has a container put links in the way of the files that are
// written from outside.
func TestNetworkingFollowsNoLink(t *testing.T) {
	nstest.AnyProcessor(t)
	c := config(t)
	c.Master = "none-such"
	box := get(t, c)
	if err := box.Run(); err != nil {
		t.Fatal(err)
	}
	victim := filepath.Join(filepath.Dir(c.Data), "victim")
	if err := os.WriteFile(victim, []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(victim)
	exits(t, "links", box.Exec([]string{"link", victim, "/etc/resolv.conf"}), 0)
	exits(t, "links", box.Exec([]string{"link", victim, "/etc/hosts"}), 0)
	if err := box.SetupNetworking(""); err == nil || !strings.Contains(err.Error(), "none-such") {
		t.Errorf("a master that is not there: %v", err)
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "as it was" {
		t.Errorf("a file of the machine is %q (%v)", text, err)
	}
	if text, err := os.ReadFile(filepath.Join(c.Data, "upper/etc/hosts")); err != nil || !strings.Contains(string(text), c.Name) {
		t.Errorf("the hosts are %q (%v)", text, err)
	}
	name, err := box.GetNS(clone.NEWNET)
	if err != nil || name == "" {
		t.Errorf("it is gone: %v", err)
	}
	// Nobody inside may have looked at what was changed from outside.
	if err := errors.Join(box.Stop(), box.Run()); err != nil {
		t.Fatal(err)
	}
	exits(t, "a link", box.Exec([]string{"link", filepath.Dir(victim), "/etc"}), 0)
	if err := box.SetupNetworking(""); !errors.Is(err, syscall.ELOOP) && !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("/etc is a link: %v", err)
	}
}

// link puts a link in the place of what is there.
func link(args []string) int {
	err := os.RemoveAll(args[1])
	if err == nil {
		err = os.Symlink(args[0], args[1])
	}
	return status(err)
}
