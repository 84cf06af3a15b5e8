package main

import (
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

func TestParseNetwork(t *testing.T) {
	for _, row := range []struct {
		text  string
		want  container.Network
		wrong string
	}{
		{"ipvlan:enp1s0", container.Network{Type: "ipvlan", HostInterfaceName: "enp1s0"}, ""},
		{"ipvlan:m,ip=192.0.2.2/24,gw=192.0.2.1,ip=2001:db8::2/64,gw=fe80::1,mtu=1400", container.Network{
			Type: "ipvlan", HostInterfaceName: "m", Address: "192.0.2.2/24", Gateway: "192.0.2.1", IPv6Address: "2001:db8::2/64", IPv6Gateway: "fe80::1", Mtu: 1400,
		}, ""},
		{"ipvlan:m,mode=l3s", container.Network{Type: "ipvlan:l3s", HostInterfaceName: "m"}, ""},
		{"ipvlan:m,flag=private,name=net1", container.Network{Type: "ipvlan:l2,private", HostInterfaceName: "m", Name: "net1"}, ""},
		{"veth:br0,mac=02:00:00:00:00:01", container.Network{Type: "veth", Bridge: "br0", MacAddress: "02:00:00:00:00:01"}, ""},
		{"veth:", container.Network{}, "veth: which interface of the machine's?"},
		{"macvlan:m", container.Network{}, `"macvlan": want none, host, ipvlan:MASTER or veth:BRIDGE`},
		{"veth:br0,mode=l2", container.Network{}, `"mode=l2": want ip=ADDRESS/BITS, gw=ADDRESS, mtu=BYTES or name=NAME, or mac=ADDRESS`},
		{"ipvlan:m,ip", container.Network{}, `"ip": it has no value`},
		{"ipvlan:m,ip=10.0.0.1/8,ip=10.0.0.2/8", container.Network{}, `"ip=10.0.0.2/8": 10.0.0.1/8 is there already; one of each family is possible`},
		{"ipvlan:m,mtu=many", container.Network{}, "mtu=many: want a number of bytes"},
	} {
		kind, rest, _ := strings.Cut(row.text, ":")
		n, err := parseNetwork(kind, rest)
		if row.wrong != "" {
			if err == nil || err.Error() != row.wrong {
				t.Errorf("%s: %v, want %s", row.text, err, row.wrong)
			}
		} else if err != nil || !reflect.DeepEqual(n, row.want) {
			t.Errorf("%s: %+v, %v, want %+v", row.text, n, err, row.want)
		}
	}
	for _, row := range [][3]string{
		{"host", "veth:br0", "it is the machine's own already: no interface is added to that"},
		{"veth:br0", "host", "it has an interface already, and is not host as well"},
		{"none", "other", "want none, host, ipvlan:MASTER or veth:BRIDGE"},
	} {
		n := netFlag{choice: choice{value: none, of: []string{none, shared}}}
		if err := n.Set(row[0]); err != nil {
			t.Error(err)
		}
		if err := n.Set(row[1]); err == nil || err.Error() != row[2] {
			t.Errorf("%s, then %s: %v, want %s", row[0], row[1], err, row[2])
		}
	}
}

// TestBoxNet runs boxes on a bridge that is in a network namespace of the test's own.
func TestBoxNet(t *testing.T) {
	nstest.Root(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	busybox, err := nstest.Tool("busybox")
	if err != nil {
		t.Fatal(err)
	}
	on := func(args ...string) result {
		const setup = "ip link add br0 type bridge && ip link set br0 up && ip addr add 192.0.2.1/24 dev br0 && exec \"$0\" \"$@\""
		c := exec.CommandContext(t.Context(), busybox, append([]string{"unshare", "-n", busybox, "sh", "-c", setup, exe}, args...)...)
		c.Env = append(os.Environ(), asCommand+"=1")
		return do(t, c)
	}
	for i, row := range []struct {
		args string
		want string // in what ip says inside
	}{
		{"--net veth:br0,ip=192.0.2.2/24,gw=192.0.2.1,ip=2001:db8::2/64", "inet 192.0.2.2/24 scope global eth0|default via 192.0.2.1 dev eth0|inet6 2001:db8::2/64 scope global"},
		{"--net veth:br0,ip=192.0.2.2/24 --net veth:br0,mtu=1300,ip=198.51.100.2/24", "inet 192.0.2.2/24 scope global eth0|inet 198.51.100.2/24 scope global eth1|mtu 1300"},
		{"--userns private --net veth:br0,name=net7,ip=192.0.2.2/24", "inet 192.0.2.2/24 scope global net7"},
	} {
		if i > 0 && testing.Short() {
			continue // a box takes seconds in a guest, and what differs are requests that package container tests
		}
		r := on(append(append([]string{"box"}, strings.Fields(row.args)...), "--", busybox, "sh", "-c", "busybox ip addr; busybox ip route; for i in $(busybox seq 30); do busybox ping -c 1 -W 2 192.0.2.1 >/dev/null && break; done")...)
		for want := range strings.SplitSeq(row.want, "|") {
			if r.status != 0 || !strings.Contains(r.stdout, want) {
				t.Errorf("box %s: status %d, %s\n%s\nwant %q in it", row.args, r.status, r.stderr, r.stdout, want)
			}
		}
	}
	if r := on("box", "--net", "veth:br1", "--", "true"); r.status != boxFailed || !strings.Contains(r.stderr, "there is no interface br1 on this side") {
		t.Errorf("no bridge: status %d, %s", r.status, r.stderr)
	}
	r := on("trace", "box", "--net", "veth:br0,ip=192.0.2.2/24", "--", "true")
	if !strings.Contains(r.stderr, " RTM_NEWLINK(ip link add master br0 up type veth peer name eth0 netns PID)  # ") {
		t.Errorf("the trace has no line for it:\n%s", r.stderr)
	}
}

// TestBoxNetOfAUser is what an ordinary user reads.
func TestBoxNetOfAUser(t *testing.T) {
	nstest.UserNS(t)
	if !nstest.Subprocess(t, nstest.As(nobody)) {
		return
	}
	r := do(t, command(t, "box", "--net", "veth:br0", "--", "true"))
	if r.status != boxFailed || !strings.Contains(r.stderr, "networks: changing the host's network needs CAP_NET_ADMIN, which the caller does not have") {
		t.Errorf("status %d, %s", r.status, r.stderr)
	}
}

// TestNetDevices runs and creates containers of config.json with an interface that is moved.
func TestNetDevices(t *testing.T) {
	nstest.Root(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	busybox, err := nstest.Tool("busybox")
	if err != nil {
		t.Fatal(err)
	}
	dir := bundle(t, append([]string{`"linux": {`, `"linux": { "netDevices": { "p0": { "name": "eth%d" } },`}, shell("ip -4 -o addr show dev eth0")...)...)
	const setup = "ip link add p0 type veth peer name q0 && ip addr add 192.0.2.9/24 dev p0 && "
	for _, script := range []string{
		`"$0" --root "$1" run --bundle "$2" a`,
		`"$0" --root "$1" create --bundle "$2" a && "$0" --root "$1" start a && { until "$0" --root "$1" state a | grep -q stopped; do :; done; "$0" --root "$1" delete a; }`,
	} {
		c := exec.CommandContext(t.Context(), busybox, "unshare", "-n", busybox, "sh", "-c", setup+script, exe, t.TempDir(), dir)
		c.Env = append(os.Environ(), asCommand+"=1")
		if r := do(t, c); r.status != 0 || !strings.Contains(r.stdout, "inet 192.0.2.9/24 scope global eth0") {
			t.Errorf("%s: status %d, %s\n%s", script, r.status, r.stderr, r.stdout)
		}
	}
	c := exec.CommandContext(t.Context(), busybox, "unshare", "-n", exe, "--root", t.TempDir(), "run", "--bundle", dir, "a")
	c.Env = append(os.Environ(), asCommand+"=1")
	if r := do(t, c); r.status == 0 || !strings.Contains(r.stderr, "linux.netDevices.p0: eth%d: RTM_NEWLINK(ip link set dev p0 netns PID name eth%d)") || !strings.Contains(r.stderr, "there is no interface p0 on the host's side") {
		t.Errorf("without the device: status %d, %s", r.status, r.stderr)
	}
}
