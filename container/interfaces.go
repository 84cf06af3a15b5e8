package container

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/clone"
)

// Stats are what a container has used.
type Stats struct {
	cgroupv2.Stats
	// Interfaces are those of its network namespace but lo, while it lives. There are none
	// where it has no network namespace of its own.
	Interfaces []InterfaceStats
}

// InterfaceStats are what an interface has counted, as seen from the container, since it was made.
// proc_net(5), /proc/net/dev
type InterfaceStats struct {
	Name                                    string
	RxBytes, RxPackets, RxErrors, RxDropped uint64
	TxBytes, TxPackets, TxErrors, TxDropped uint64
}

// interfaces reads them. /proc/PID/net is the network namespace of that process, also for who
// could not enter it.
func (c *Container) interfaces(v *view) ([]InterfaceStats, error) {
	if v.status == Stopped || v.pidfd < 0 {
		return nil, nil
	}
	d, err := c.enter("events")
	if err != nil {
		return nil, err
	}
	defer d.close()
	s, err := d.spec()
	if err != nil || !s.Namespaces.Contains(clone.NEWNET) {
		return nil, err
	}
	text, err := readProc("/proc/" + strconv.Itoa(v.process.pid) + "/net/dev")
	if unix.PidfdSendSignal(v.pidfd, 0, nil, 0) != nil {
		return nil, nil // it has ended meanwhile, and its number may be another one's
	}
	if err != nil {
		return nil, err
	}
	return parseInterfaces(string(text))
}

// parseInterfaces reads /proc/net/dev: two lines of headings, and then one for each interface,
// with eight numbers for what came and eight for what went.
func parseInterfaces(text string) (list []InterfaceStats, err error) {
	for line := range strings.Lines(text) {
		name, numbers, found := strings.Cut(line, ":")
		if !found {
			continue
		}
		i := InterfaceStats{Name: strings.TrimSpace(name)}
		fields := strings.Fields(numbers)
		for at, to := range map[int]*uint64{
			0: &i.RxBytes, 1: &i.RxPackets, 2: &i.RxErrors, 3: &i.RxDropped, 8: &i.TxBytes, 9: &i.TxPackets, 10: &i.TxErrors, 11: &i.TxDropped,
		} {
			if at >= len(fields) {
				return nil, fmt.Errorf("/proc/net/dev: %q has too few numbers", strings.TrimSpace(line))
			}
			if *to, err = strconv.ParseUint(fields[at], 10, 64); err != nil {
				return nil, fmt.Errorf("/proc/net/dev: %w", err)
			}
		}
		if i.Name != "lo" {
			list = append(list, i)
		}
	}
	return list, nil
}
