package nsexec_test

import (
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

var needs = nstest.Needs{
	Tools: map[string]string{"busybox": "busybox-static"}, // the user's program
}

func TestMain(m *testing.M) { nstest.Main(m, needs) }
