package rtnl

// Request is one thing to be done: a [Look], a [Link], an [Address], a [Route], a [Sysctl] or a
// [Device].
type Request interface {
	// String is the request on one line: as a tool is told, behind what the kernel calls it.
	String() string
	do(*Sides) error
}

// known is what a message has and a request does not: numbers that are there only when it is
// made.
type known struct {
	netns    int // descriptor of the container's network namespace
	index    func(name string, inside bool) (uint32, error)
	otherEnd func(name string) (uint32, error)
}

// messenger is a request that is one message.
type messenger interface {
	message(known) (*message, error)
}
