package nsexec_test

import (
	"os"
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

// ordinary is a user without any privilege.
var ordinary = nstest.User{Name: "tester", ID: 4000}

// asOrdinaryUser is true in a process that an ordinary user runs.
func asOrdinaryUser(t *testing.T) bool {
	t.Helper()
	return os.Geteuid() != 0 || nstest.Subprocess(t, nstest.As(ordinary))
}
