package container

import "github.com/selfcontain/runtime/nsexec/prog"

// Subordinate and UserName read subuid(5) and passwd(5).
var (
	Subordinate = subordinate
	UserName    = userName
)

// Made is an event of a test: what was done, or whose operation it was.
func Made(e Event, text string, p *prog.Program) Event {
	e.text, e.program = text, p
	return e
}
