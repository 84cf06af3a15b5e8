package container

// Subordinate and UserName read subuid(5) and passwd(5).
var (
	Subordinate = subordinate
	UserName    = userName
)
