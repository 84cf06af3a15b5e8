package clone_test

import (
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

var needs = nstest.Needs{}

func TestMain(m *testing.M) { nstest.Main(m, needs) }
