package cgroupv2

import (
	"fmt"
	"os"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

var needs = nstest.Needs{
	Cgroups: true,
	Modules: []string{"null_blk", "bfq"},
	Users:   []nstest.User{{Name: "cgtester", ID: 4301}},
}

// stageEnv says what a process of this test binary is, other than the tests.
const stageEnv = "CGROUPV2_TEST_STAGE"

func TestMain(m *testing.M) {
	stage := os.Getenv(stageEnv)
	if stage == "" {
		nstest.Main(m, needs)
	}
	if err := actors[stage](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
