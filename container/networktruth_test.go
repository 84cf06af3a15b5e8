package container_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/container"
)

// TestNetworkPlanIsTheTruth holds what strace saw of both sides against the plan of a container
// with networks: the container's calls, and the messages that the host's side has sent.
func TestNetworkPlanIsTheTruth(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: strace takes seconds in a guest, and this is not about the kernel; not with -short")
	}
	s := newSite(t)
	s.do("link add br0 type bridge", "link set br0 up", "link add moved type veth peer name other")
	t.Setenv(witnessNetns, s.ns)
	spec := with(rootFSFor(t), func(s *container.Spec) {
		s.Networks = []container.Network{
			{Type: "veth", Bridge: "br0", Address: "192.0.2.2/24", Gateway: "192.0.2.1", IPv6Address: "2001:db8::2/64", HairpinMode: true},
			{Type: "device", HostInterfaceName: "moved", Name: "data%d"},
		}
		s.Routes = []container.Route{{Destination: "198.51.100.0/24", InterfaceName: "eth0"}}
		s.Sysctl = map[string]string{"net.ipv6.conf.eth0.accept_ra": "0"}
	})
	w := observe(t, spec)
	if w.status != 0 {
		t.Fatalf("the container ended with %d\n%s", w.status, w.stderr)
	}
	if _, err := w.compare(write(t, w.plan.Child)); err != nil {
		t.Fatal(err)
	}
	var planned, made []string
	for _, steps := range w.plan.During {
		for _, step := range steps {
			planned = append(planned, messageName.FindAllString(step.String(), -1)...)
		}
	}
	for _, line := range w.during {
		if strings.HasPrefix(line, "sendto(") && strings.Contains(line, "nlmsg_type=") {
			made = append(made, messageNames.Replace(messageType.FindStringSubmatch(line)[1]))
		}
	}
	// What a device needs to know of both sides, and the numbers that names stand for, is asked
	// in between.
	made = slices.DeleteFunc(made, func(s string) bool { return strings.HasPrefix(s, "RTM_GET") })
	planned = slices.DeleteFunc(planned, func(s string) bool { return strings.HasPrefix(s, "RTM_GET") })
	// The device had no address, so of its three parts there are the move and the coming up.
	last := slices.Index(planned[8:], "RTM_NEWADDR") + 8
	planned[last] = "RTM_NEWLINK"
	if !slices.Equal(made, planned) {
		t.Errorf("messages %q\nplanned  %q", made, planned)
	}
	if len(made) < 8 {
		t.Errorf("strace saw %d messages", len(made))
	}
}

var (
	messageName = regexp.MustCompile(`RTM_[A-Z]+`)
	messageType = regexp.MustCompile(`nlmsg_type=(\w+)`)
	// strace does not know what kind of socket it is that is in another network namespace.
	messageNames = strings.NewReplacer("0x10", "RTM_NEWLINK", "0x12", "RTM_GETLINK", "0x14", "RTM_NEWADDR", "0x18", "RTM_NEWROUTE")
)
