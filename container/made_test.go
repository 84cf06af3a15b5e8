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

// Reached has a function called at every step of a creation.
func (o CreateOptions) Reached(f func(step string)) CreateOptions { o.reached = f; return o }

// Edit has a function change the plan of a creation.
func (o CreateOptions) Edit(f func(*Plan) error) CreateOptions { o.edit = f; return o }

// StartEdited is Start with a plan that a function has changed.
func (c *Container) StartEdited(p *Process, edit func(*Plan) error) error {
	return c.startEdited(p, edit)
}

// Place is the directory of a container.
func Place(c *Container) string { return c.root + "/" + c.id }

// DecodeIntent reads what stands in the file of an intent.
func DecodeIntent(text []byte) error { return decodeRecord(text, &intent{}) }

// ProcessLink reads and writes the link to a process.
func ProcessLink(text string) (string, error) {
	i, err := parseIdentity(text)
	return i.String(), err
}

// Sum is the checksum of a record's line.
var Sum = sum
