package main

import (
	"testing"

	"github.com/selfcontain/runtime/internal/nstest"
)

func TestBoxTerminalAsRoot(t *testing.T) {
	nstest.AnyProcessor(t)
	nstest.Root(t)
	testBoxTerminal(t)
}

func TestBoxTerminalAsUser(t *testing.T) {
	if asBoxer(t, nobody) {
		testBoxTerminal(t)
	}
}

func TestBoxTerminalAsUserWithSubIDs(t *testing.T) {
	if asBoxer(t, boxer) {
		testBoxTerminal(t)
	}
}

// testBoxTerminal is somebody who works with a box in front of a terminal.
func testBoxTerminal(t *testing.T) {
	nstest.UserNS(t)
	nstest.Module(t, "overlay")
	t.Run("top", func(t *testing.T) {
		// In a window of two lines more than it needs for three processes: the box has
		// its own alone.
		p := sit(t, box(t, "-t", "--", "busybox", "top", "-d", "1000"), 9, 80)
		p.sees("Mem: ")
		p.sees("COMMAND")
		p.sees("busybox top")
		p.turns(true)
		p.types("q")
		p.leaves(0)
	})
	t.Run("shell", func(t *testing.T) {
		p := sit(t, box(t, "-t"), 24, 80)
		p.sees("# ")
		p.types(prompt + "\n")
		p.sees("<42> ")
		for _, row := range []struct{ line, want string }{
			{"id -u; tty; busybox stty size", "0\r\n/dev/pts/0\r\n24 80\r\n"},
			{"echo by way of the console >/dev/console", "console\r\nby way of the console\r\n"},
			{"echo by way of the session >/dev/tty", "/dev/tty\r\nby way of the session\r\n"},
		} {
			p.runs(row.line+"\n", row.want)
			p.sees("<42> ")
		}
		p.runs("echo $((20+1)) up; cat\n", "21 up\r\n")
		p.runs("one\n", "one\r\none\r\n")
		p.types("\x1a")
		p.sees("Stopped")
		p.sees("<42> ")
		p.types("fg\n")
		p.sees("cat\r\n")
		p.runs("two\n", "two\r\ntwo\r\n")
		p.types("\x03")
		p.sees("<42> ")
		p.runs("echo was $?\n", "was 130\r\n")
		p.sees("<42> ")
		p.resize(33, 101)
		p.seesSize("33 101")
		p.types("exit 3\n")
		p.leaves(3)
	})
	t.Run("killed", func(t *testing.T) {
		p := sit(t, box(t, "-t", "--", "sh", "-c", "echo ready; exec sleep 1000"), 24, 80)
		p.sees("ready")
		p.turns(true)
		p.kill(p.child(), 9)
		p.leaves(128 + 9)
	})
}
