package caps_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

var needs = nstest.Needs{}

// stageEnv says what a process of this test binary is, other than the tests.
const stageEnv = "CAPS_TEST_STAGE"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(stageEnv) {
	case "run":
		err = runTail()
	case "show":
		err = showOwn()
	default:
		nstest.Main(m, needs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
