package mounts_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/mounts"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// A terminal is opened where the devpts was mounted, by its descriptor.
func ExampleEmitTree_terminal() {
	var b prog.Builder
	_, err := mounts.EmitTree(&b, &mounts.Tree{
		Root: prog.FD{Num: 3, Name: "root"},
		Mounts: []mounts.Mount{
			{Destination: "/dev", Type: "tmpfs"},
			{Destination: "/dev/pts", Type: "devpts"},
		},
		Terminal: mounts.Terminal{Master: b.Slot("master"), Slave: b.Slot("slave")},
	})
	if err != nil {
		fmt.Println(err)
	}
	show(&b, "process.terminal")
	// Output:
	// 14  $master = openat2($/dev/pts, "ptmx", {flags=O_RDWR|O_NOCTTY|O_CLOEXEC, resolve=RESOLVE_NO_XDEV|RESOLVE_NO_MAGICLINKS|RESOLVE_NO_SYMLINKS|RESOLVE_BENEATH}, 24)
	// 15  ioctl($master, TIOCSPTLCK, [0])
	// 16  $slave = ioctl($master, TIOCGPTPEER, O_RDWR|O_NOCTTY|O_CLOEXEC)
	// 17  mknodat($/dev, "console", S_IFREG|0600, makedev(0, 0)); EEXIST is fine
	// 18  $console = open_tree($slave, "", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_EMPTY_PATH)
	// 19  move_mount($console, "", $/dev, "console", MOVE_MOUNT_F_EMPTY_PATH)
}

// TestConsoleInAReadOnlyDev: the file system becomes read-only when /dev/console is
// there, also where that is all that is made in it.
func TestConsoleInAReadOnlyDev(t *testing.T) {
	var b prog.Builder
	_, err := mounts.EmitTree(&b, &mounts.Tree{
		Root:     rootFD,
		Mounts:   []mounts.Mount{{Destination: "/dev", Type: "tmpfs", Options: []string{"ro"}}},
		Terminal: mounts.Terminal{Master: b.Slot("master"), Slave: b.Slot("slave")},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Add(prog.Op{Call: prog.Exit})
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	made, readOnly := -1, -1
	for i := range p.Len() {
		switch text := p.Text(i); {
		case strings.HasPrefix(text, "mknodat("):
			made = i
		case strings.Contains(text, "MOUNT_ATTR_RDONLY"):
			readOnly = i
		}
	}
	if made < 0 || readOnly < made {
		t.Errorf("/dev/console is made by op %d, and /dev is read-only from op %d on\n%v", made, readOnly, p)
	}
}

func TestHalfATerminal(t *testing.T) {
	var b prog.Builder
	_, err := mounts.EmitTree(&b, &mounts.Tree{Root: rootFD, Terminal: mounts.Terminal{Slave: b.Slot("slave")}})
	if want := "process.terminal: it has two ends, and there is a slot for one"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
