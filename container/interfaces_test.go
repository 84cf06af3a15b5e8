package container_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// TestInterfaceStats holds what Stats says of interfaces against what ip(8) says, while packets
// come and go.
func TestInterfaceStats(t *testing.T) {
	nstest.AnyProcessor(t)
	s := newSite(t)
	other := inNamespaces(t, clone.NEWNET.Flag()) + "net"
	s.do("link add p0 type veth peer name q0", "link set dev p0 addrgenmode none", "link set q0 netns "+other,
		"address add 192.0.2.1/24 dev p0", "link set p0 up")
	s.in(other, "address add 192.0.2.2/24 dev q0")
	s.in(other, "link set dev q0 addrgenmode none")
	s.in(other, "link set q0 up")
	spec := with(rootFSFor(t), grouped(t), sh(aliveFor), func(s *container.Spec) { s.Namespaces.Add(clone.NEWNET, other) })
	c := create(t, spec, container.CreateOptions{})
	if err := c.Exec(); err != nil {
		t.Fatal(err)
	}
	ping := append(append([]string{}, s.enter[1:]...), "busybox", "ping", "-c", "3", "-i", "0.1", "-s", "1000", "192.0.2.2")
	if out, err := exec.Command(s.enter[0], ping...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	stats, err := c.Stats()
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Stats64 struct {
			Rx, Tx struct{ Bytes, Packets, Errors, Dropped uint64 }
		}
	}
	if err := json.Unmarshal([]byte(s.in(other, "-json -s link show dev q0")), &list); err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", err, list)
	}
	rx, tx := list[0].Stats64.Rx, list[0].Stats64.Tx
	want := container.InterfaceStats{
		Name:    "q0",
		RxBytes: rx.Bytes, RxPackets: rx.Packets, RxErrors: rx.Errors, RxDropped: rx.Dropped,
		TxBytes: tx.Bytes, TxPackets: tx.Packets, TxErrors: tx.Errors, TxDropped: tx.Dropped,
	}
	if len(stats.Interfaces) != 1 || stats.Interfaces[0] != want || rx.Packets < 3 || tx.Bytes < 3000 {
		t.Errorf("%+v\nwant %+v alone", stats.Interfaces, want)
	}
	text, err := json.Marshal(stats.Interfaces)
	if err != nil || !strings.HasPrefix(string(text), `[{"Name":"q0","RxBytes":`) {
		t.Errorf("as JSON: %s, %v", text, err)
	}
	if err := c.Signal(unix.SIGKILL, true); err != nil {
		t.Error(err)
	}
	if _, err := c.Wait(); err != nil {
		t.Error(err)
	}
	if stats, err := c.Stats(); err != nil || len(stats.Interfaces) != 0 {
		t.Errorf("after its end: %+v, %v", stats.Interfaces, err)
	}
}
