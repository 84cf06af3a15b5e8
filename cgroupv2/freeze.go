package cgroupv2

import (
	"context"
	"errors"
	"fmt"
)

// Freeze stops every process of the group and below, and returns when all of them
// stand still. A process that is born into the group, or moved there, stands still as well; one that is
// killed dies. When it takes longer than ctx allows (a process may be in a
// system call that nothing interrupts), the group is let go again. Do not freeze
// the group that you are in. cgroup.freeze, Linux 5.2
func (g *Group) Freeze(ctx context.Context) error {
	if err := g.notRoot("freeze"); err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if err := g.write("cgroup.freeze", "1"); err != nil {
		return err
	}
	if err := g.await(ctx, "frozen", 1); err != nil {
		if e := g.write("cgroup.freeze", "0"); e != nil {
			err = fmt.Errorf("%w; and %w", err, e)
		}
		return err
	}
	return nil
}

// Thaw lets the group go on, and returns when it does. It is an error when it does not
// because a group above is frozen too.
func (g *Group) Thaw(ctx context.Context) error {
	if err := g.notRoot("thaw"); err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if err := g.write("cgroup.freeze", "0"); err != nil {
		return err
	}
	err := g.await(ctx, "frozen", 0)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: a group above may be frozen", err)
	}
	return err
}
