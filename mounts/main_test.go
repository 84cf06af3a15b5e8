package mounts_test

import (
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

// ordinary is a user with one id and no subordinate ones.
var ordinary = nstest.User{Name: "nobody", ID: 65534}

var needs = nstest.Needs{
	Users:   []nstest.User{ordinary},
	Tools:   map[string]string{"busybox": "busybox-static"},
	Modules: []string{"overlay"},
}

func TestMain(m *testing.M) { nstest.Main(m, needs) }
