package container_test

import (
	"os"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

var needs = nstest.Needs{
	Cgroups: true,
	Tools:   map[string]string{"busybox": "busybox-static", "strace": "strace", "newuidmap": "uidmap", "unshare": "util-linux", "mount": "mount", "ip": "iproute2", "nsenter": "util-linux", "radvd": "radvd"},
	Modules: []string{"bridge", "ipvlan", "macvlan", "veth"},
	Users:   []nstest.User{subuser},
}

// TestMain is also the way into the processes that tests start of their own binary: a
// driver makes a container, and is observed from outside while it does.
func TestMain(m *testing.M) {
	if run := drivers[os.Getenv(driverEnv)]; run != nil {
		os.Exit(run(os.Args[1:]))
	}
	nstest.Main(m, needs)
}
