package nstest

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const (
	needsEnv = "NSTEST_NEEDS"
	guestEnv = "NSTEST_GUEST"
	// guestAgain is its value in all guests but the first.
	guestAgain = "again"
	soakEnv    = "NSTEST_SOAK"
	graceEnv   = "NSTEST_GRACE"
	stageEnv   = "NSTEST_STAGE"
)

// The stages of a test binary. Beside these words, a JSON object is the stage
// of a subprocess (see [Subprocess]); no stage means supervisor.
const (
	stageTests   = "tests"               // run the tests
	stageMounted = "tests-in-own-mounts" // the same, in a mount namespace that the supervisor has asked for
	stageNothing = "nothing"             // exit at once: it was about the process, not the program
)

// Main runs the tests of a package and exits. It fails the package when a
// need is not met or when the tests leave something behind: a descriptor, a
// child process (also one that was not waited for), an orphan, a mount, a
// cgroup (see [Needs].Cgroups). It is all that TestMain does.
func Main(m *testing.M, needs Needs) {
	os.Exit(mainStatus(m, needs))
}

func mainStatus(m *testing.M, needs Needs) int {
	if format := os.Getenv(needsEnv); format != "" {
		return printNeeds(needs, format)
	}
	switch s := os.Getenv(stageEnv); {
	case isFuzzWorker(os.Args):
		return m.Run() // a child of the process that is checked
	case s == "":
		if err := needs.check(); err != nil {
			return fail(err)
		}
		return supervise(needs)
	case s == stageNothing:
		return 0
	case s == stageTests:
		return runChecked(m, needs)
	case s == stageMounted:
		if err := shareMounts(); err != nil {
			return fail(err)
		}
		return runChecked(m, needs)
	default:
		if err := enterStage(s); err != nil {
			return fail(err)
		}
		return runChecked(m, needs)
	}
}

func printNeeds(needs Needs, format string) int {
	var words []string
	var err error
	switch format {
	case "packages":
		words = needs.packages()
	case "vmrun":
		var dir string
		if dir, err = os.Getwd(); err == nil { // go test runs a package's tests in its directory
			words, err = needs.vmrun(dir)
		}
	default:
		err = fmt.Errorf("%s=%s: want vmrun or packages", needsEnv, format)
	}
	if err != nil {
		return fail(err)
	}
	fmt.Println("needs:", strings.Join(words, " "))
	return 0
}

func fail(err error) int {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintln(os.Stderr, "nstest:", line)
	}
	return 1
}

// isFuzzWorker reports whether `go test -fuzz` has started this process to try inputs.
func isFuzzWorker(args []string) bool {
	for _, a := range args[1:] {
		if strings.HasPrefix(a, "-test.fuzzworker") {
			return true
		}
	}
	return false
}
