package container_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
)

// site is a network namespace that is the host's side for the containers of a test, so that no
// other test sees what is made there.
type site struct {
	testing.TB
	ns    string
	ip    string
	enter []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	nstest.Root(t)
	tool, err := nstest.Tool("ip")
	if err != nil {
		t.Fatal(err)
	}
	enter, err := nstest.Tool("nsenter")
	if err != nil {
		t.Fatal(err)
	}
	ns := inNamespaces(t, syscall.CLONE_NEWNET) + "net"
	return &site{TB: t, ns: ns, ip: tool, enter: []string{enter, "--net=" + ns}}
}

// do runs ip(8) on this side, a line each.
func (s *site) do(lines ...string) (out string) {
	s.Helper()
	for _, line := range lines {
		out = s.in(s.ns, line)
	}
	return out
}

func (s *site) in(ns, line string) string {
	s.Helper()
	out, err := exec.Command(s.enter[0], append([]string{"--net=" + ns, s.ip}, strings.Fields(line)...)...).CombinedOutput()
	if err != nil {
		s.Fatalf("ip %s: %v\n%s", line, err, out)
	}
	return string(out)
}

// guest is a container that runs on a site.
type guest struct {
	*site
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	pid string // its first process, as the host sees it
}

// start starts a container with networks. Its program is a shell that does what it is told.
func (s *site) start(networks []container.Network, changes ...func(*container.Spec)) *guest {
	s.Helper()
	some := caps.Of(caps.NET_RAW, caps.NET_ADMIN, caps.NET_BIND_SERVICE)
	spec := with(nstest.RootFS(s.TB), append([]func(*container.Spec){func(s *container.Spec) {
		s.Networks = networks
		s.Process.Args = []string{"/bin/sh", "-c", `while read -r line; do eval "$line" 2>&1; echo "status $?"; done`}
		s.Process.Capabilities = &caps.Config{Bounding: some, Effective: some, Permitted: some}
		s.MaskedPaths, s.ReadonlyPaths = nil, nil
	}}, changes...)...)
	cmd := driver(s, "run", spec, s.enter...)
	in, err := cmd.StdinPipe()
	if err != nil {
		s.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { in.Close(); return os.ErrProcessDone } // it ends by itself then
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	g := &guest{site: s, cmd: cmd, in: in, out: bufio.NewReader(out)}
	s.Cleanup(g.end)
	children, err := g.children()
	if err != nil {
		s.Fatal(err)
	}
	g.pid = children
	return g
}

// children is the container's first process: the driver has no other child once it answers.
func (g *guest) children() (string, error) {
	g.Helper()
	g.tell("true")
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", g.cmd.Process.Pid, g.cmd.Process.Pid))
	return strings.TrimSpace(string(b)), err
}

// tell has the shell do a line, and returns what that says.
func (g *guest) tell(line string) string {
	g.Helper()
	out, status := g.try(line)
	if status != "0" {
		g.Fatalf("%s: status %s\n%s", line, status, out)
	}
	return out
}

func (g *guest) try(line string) (out, status string) {
	g.Helper()
	if _, err := fmt.Fprintln(g.in, line); err != nil {
		g.Fatal(err)
	}
	for {
		text, err := g.out.ReadString('\n')
		if err != nil {
			g.Fatalf("%s: the container has ended: %v\n%s", line, err, out)
		}
		if s, ok := strings.CutPrefix(text, "status "); ok {
			return out, strings.TrimSpace(s)
		}
		out += text
	}
}

func (g *guest) end() {
	if g.cmd.ProcessState != nil {
		return
	}
	g.in.Close()
	if _, err := io.Copy(io.Discard, g.out); err != nil {
		g.Error(err)
	}
	if err := g.cmd.Wait(); err != nil {
		g.Error(err)
	}
}

// ipJSON reads what ip -json says in the container, or on the host's side where pid is empty.
func (s *site) ipJSON(pid, line string) []map[string]any {
	s.Helper()
	ns := s.ns
	if pid != "" {
		ns = "/proc/" + pid + "/ns/net"
	}
	var list []map[string]any
	text := s.in(ns, "-json -details "+line)
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		s.Fatalf("%s: %v\n%s", line, err, text)
	}
	return list
}

// TestVethFields reads every field of a Network of the type veth, and of a Route, back from the
// kernel.
func TestVethFields(t *testing.T) {
	nstest.AnyProcessor(t)
	s := newSite(t)
	s.do("link add br0 type bridge", "link set br0 up")
	g := s.start([]container.Network{
		{Type: "loopback", Address: "127.0.0.1/0", Gateway: "localhost"},
		{
			Type: "veth", Name: "net7", Bridge: "br0", MacAddress: "02:00:5e:00:53:07", Address: "192.0.2.7/24", Gateway: "192.0.2.1",
			IPv6Address: "2001:db8::7/64", IPv6Gateway: "2001:db8::1", Mtu: 1400, TxQueueLen: 77, HostInterfaceName: "host7", HairpinMode: true,
		},
	}, func(s *container.Spec) {
		s.Routes = []container.Route{
			{Destination: "198.51.100.0/24", Gateway: "192.0.2.9", Source: "192.0.2.7", InterfaceName: "net7"},
			{Destination: "2001:db8:5::/48", Gateway: "fe80::9"},
			{Destination: "203.0.113.0/25"},
		}
		s.Sysctl = map[string]string{"net.ipv4.conf.net7.forwarding": "1", "net.ipv6.conf.net7.accept_ra_rtr_pref": "0", "net.ipv4.ip_forward": "0"}
	})
	for _, row := range []struct{ about, path, line, want string }{
		{"the container's end", g.pid, "link show dev net7", `address=02:00:5e:00:53:07 linkinfo.info_kind=veth mtu=1400 txqlen=77 operstate=UP`},
		{"the host's end", "", "link show dev host7", `master=br0 linkinfo.info_kind=veth linkinfo.info_slave_data.hairpin=true mtu=1400 txqlen=77`},
		{"IPv4", g.pid, "-4 address show dev net7", `addr_info.0.local=192.0.2.7 addr_info.0.prefixlen=24`},
		{"IPv6", g.pid, "-6 address show dev net7 scope global", `addr_info.0.local=2001:db8::7 addr_info.0.prefixlen=64`},
		{"the default route of IPv4", g.pid, "-4 route show default", `gateway=192.0.2.1 dev=net7`},
		{"the default route of IPv6", g.pid, "-6 route show default", `gateway=2001:db8::1 dev=net7`},
		{"a route with a source", g.pid, "-4 route show 198.51.100.0/24", `gateway=192.0.2.9 dev=net7 prefsrc=192.0.2.7`},
		{"a route of IPv6", g.pid, "-6 route show 2001:db8:5::/48", `gateway=fe80::9 dev=net7`},
		{"a route without a gateway", g.pid, "-4 route show 203.0.113.0/25", `dev=net7 scope=link`},
		{"lo", g.pid, "address show dev lo", `addr_info.0.local=127.0.0.1 addr_info.0.prefixlen=8 addr_info.1.local=::1`},
	} {
		list := s.ipJSON(row.path, row.line)
		if len(list) != 1 {
			t.Errorf("%s: ip %s says %v", row.about, row.line, list)
			continue
		}
		for _, want := range strings.Fields(row.want) {
			path, value, _ := strings.Cut(want, "=")
			if got := fmt.Sprint(at(list[0], path)); got != value {
				t.Errorf("%s: %s is %s, want %s", row.about, path, got, value)
			}
		}
	}
	if got := g.tell("cd /proc/sys/net; cat ipv4/conf/net7/forwarding ipv6/conf/net7/accept_ra_rtr_pref ipv6/conf/net7/accept_ra"); got != "1\n0\n0\n" {
		t.Errorf("parameters %q", got)
	}
	g.end()
	waitGone(t, s, "host7")
}

// at is a value in what has been read of JSON: "a.0.b".
func at(v any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		switch here := v.(type) {
		case map[string]any:
			v = here[part]
		case []any:
			n := int(part[0] - '0')
			if n >= len(here) {
				return nil
			}
			v = here[n]
		}
	}
	return v
}

// waitGone waits until the kernel has removed an interface, which it does in the background.
func waitGone(t testing.TB, s *site, name string) {
	t.Helper()
	ns, err := os.Open(s.ns)
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	events, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{NetNS: int(ns.Fd()), Groups: unix.RTMGRP_LINK})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	for strings.Contains(s.do("link show"), name+"@") {
		if _, err := events.Receive(); err != nil {
			t.Fatalf("%s is still there: %v", name, err)
		}
	}
}
