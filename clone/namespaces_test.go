package clone_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/clone"
)

func TestNamespaces(t *testing.T) {
	rows := []struct {
		name string
		do   func(n *clone.Namespaces)
		want clone.Namespaces
	}{
		{"what is added stays in its order",
			func(n *clone.Namespaces) { n.Add(clone.NEWNET, ""); n.Add(clone.NEWNS, "") },
			clone.Namespaces{{clone.NEWNET, ""}, {clone.NEWNS, ""}}},
		{"a second one of a type replaces the first, in its place",
			func(n *clone.Namespaces) {
				n.Add(clone.NEWNET, "")
				n.Add(clone.NEWNS, "")
				n.Add(clone.NEWNET, "/run/netns/a")
			},
			clone.Namespaces{{clone.NEWNET, "/run/netns/a"}, {clone.NEWNS, ""}}},
		{"one to join becomes a new one again",
			func(n *clone.Namespaces) { n.Add(clone.NEWNET, "/run/netns/a"); n.Add(clone.NEWNET, "") },
			clone.Namespaces{{clone.NEWNET, ""}}},
		{"what is removed is gone",
			func(n *clone.Namespaces) {
				n.Add(clone.NEWNET, "")
				n.Add(clone.NEWNS, "")
				if !n.Remove(clone.NEWNET) {
					panic("Remove found nothing")
				}
			},
			clone.Namespaces{{clone.NEWNS, ""}}},
		{"removing what is not there changes nothing and says so",
			func(n *clone.Namespaces) {
				n.Add(clone.NEWNS, "")
				if n.Remove(clone.NEWNET) {
					panic("Remove found something")
				}
			},
			clone.Namespaces{{clone.NEWNS, ""}}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			var got clone.Namespaces
			r.do(&got)
			if !slices.Equal(got, r.want) {
				t.Errorf("got %v, want %v", got, r.want)
			}
		})
	}
}

func TestContainsAndPathOf(t *testing.T) {
	n := clone.Namespaces{{clone.NEWNS, ""}, {clone.NEWNET, "/run/netns/a"}}
	rows := []struct {
		typ      clone.NamespaceType
		contains bool
		path     string
	}{
		{clone.NEWNS, true, ""},
		{clone.NEWNET, true, "/run/netns/a"},
		{clone.NEWPID, false, ""},
	}
	for _, r := range rows {
		if n.Contains(r.typ) != r.contains || n.PathOf(r.typ) != r.path {
			t.Errorf("%s: contains %v, path %q", r.typ, n.Contains(r.typ), n.PathOf(r.typ))
		}
	}
}

func TestCloneFlags(t *testing.T) {
	rows := []struct {
		name string
		n    clone.Namespaces
		want uintptr
	}{
		{"no namespaces, no flags", nil, 0},
		{"new ones only", clone.Namespaces{{clone.NEWNS, ""}, {clone.NEWNET, "/run/netns/a"}, {clone.NEWPID, ""}}, unix.CLONE_NEWNS | unix.CLONE_NEWPID},
		{"all of them", all(""), unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUSER | unix.CLONE_NEWCGROUP | unix.CLONE_NEWTIME},
		{"none to make where all are joined", all("/x"), 0},
	}
	for _, r := range rows {
		if got := r.n.CloneFlags(); got != r.want {
			t.Errorf("%s: %#x, want %#x", r.name, got, r.want)
		}
	}
}

func TestJoins(t *testing.T) {
	joins := all("/x").Joins()
	if len(joins) != len(clone.NamespaceTypes()) {
		t.Fatalf("%d of %d types are joined", len(joins), len(clone.NamespaceTypes()))
	}
	if joins[0].Type != clone.NEWUSER {
		t.Errorf("the first is %s: without the user namespace's rights the others may be refused", joins[0].Type)
	}
	if last := joins[len(joins)-1].Type; last != clone.NEWNS {
		t.Errorf("the last is %s, not the mount namespace", last)
	}
	if got := all("").Joins(); len(got) != 0 {
		t.Errorf("new namespaces are joined: %v", got)
	}
	n := clone.Namespaces{{clone.NEWNS, "/m"}, {clone.NEWPID, ""}, {clone.NEWUSER, "/u"}}
	if got, want := n.Joins(), (clone.Namespaces{{clone.NEWUSER, "/u"}, {clone.NEWNS, "/m"}}); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNamespacesValidate(t *testing.T) {
	rows := []struct {
		name string
		n    clone.Namespaces
		want string
	}{
		{"nothing is valid", nil, ""},
		{"every type once is valid", all(""), ""},
		{"a type that is not known", clone.Namespaces{{"NEWFOO", ""}}, `namespace 0: type "NEWFOO" is unknown`},
		{"the kernel's name is not the type", clone.Namespaces{{clone.NEWNS, ""}, {"mnt", ""}}, `namespace 1: type "mnt" is unknown`},
		{"a type twice", clone.Namespaces{{clone.NEWNS, ""}, {clone.NEWNS, "/x"}}, "namespace 1: type NEWNS stands twice"},
		{"a NUL in a path", clone.Namespaces{{clone.NEWNS, "/x\x00y"}}, `namespace 0: path "/x\x00y" holds a NUL`},
		{"all faults at once", clone.Namespaces{{"A", ""}, {"B", ""}}, "namespace 0: type \"A\" is unknown\nnamespace 1: type \"B\" is unknown"},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			if got := message(r.n.Validate()); got != r.want {
				t.Errorf("got %q, want %q", got, r.want)
			}
		})
	}
}

func TestNamespacesJSON(t *testing.T) {
	n := clone.Namespaces{{clone.NEWNS, ""}, {clone.NEWNET, "/run/netns/a"}}
	text, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"type":"NEWNS","path":""},{"type":"NEWNET","path":"/run/netns/a"}]`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	var back clone.Namespaces
	if err := json.Unmarshal(text, &back); err != nil || !slices.Equal(back, n) {
		t.Errorf("got %v back, %v", back, err)
	}
}

// all is every type of namespace with the same path.
func all(path string) (n clone.Namespaces) {
	for _, t := range clone.NamespaceTypes() {
		n.Add(t, path)
	}
	return n
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return strings.TrimSpace(err.Error())
}
