package mounts_test

import (
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

var needs = nstest.Needs{
	Tools:   map[string]string{"busybox": "busybox-static"},
	Modules: []string{"overlay"},
}

func TestMain(m *testing.M) { nstest.Main(m, needs) }
