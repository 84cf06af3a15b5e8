package selfcontain

import (
	"errors"
	"path"
)

// SetupNetworking connects the container, which is up, with the network, from outside: an
// IPvlan interface on Master is moved in as eth0, with address, routes and what Config says
// of router advertisements. resolv.conf and hosts are written to etc, a directory of the machine.
// The container's own is upper/etc in Data, as long as nobody inside has looked for
// these files: that is where [Container.Start] has them written. Empty means that.
func (c *Container) SetupNetworking(etc string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if etc == "" {
		etc = c.etc()
	}
	return c.failed("network", c.setupNetworking(etc))
}

// etc is /etc of the container.
func (c *Container) etc() string { return path.Join(c.config.Data, upperName, "etc") }

func (c *Container) setupNetworking(etc string) error {
	if c.config.Master == "" {
		return errors.New("Master: it is empty")
	}
	return errors.New("Master: this build has no ipvlan")
}
