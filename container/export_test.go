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

// Place is the directory of a container.
func Place(c *Container) string { return c.root + "/" + c.id }
