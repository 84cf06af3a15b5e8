package container

// Subordinate and UserName read subuid(5) and passwd(5).
var (
	Subordinate = subordinate
	UserName    = userName
)

// Reached has a function called at every step of a creation.
func (o CreateOptions) Reached(f func(step string)) CreateOptions { o.reached = f; return o }

// Edit has a function change the plan of a creation.
func (o CreateOptions) Edit(f func(*Plan) error) CreateOptions { o.edit = f; return o }

// ExecEdited is Exec with a plan that a function has changed.
func (c *Container) ExecEdited(cmd Command, edit func(*Plan) error) (*Execution, error) {
	cmd.edit = edit
	return c.Exec(cmd)
}
