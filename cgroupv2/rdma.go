package cgroupv2

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// RDMA are limits of one RDMA device; nil leaves one as it is. rdma.max, Linux 4.11
type RDMA struct {
	HCAHandles, HCAObjects *uint32
}

func listRDMA(l *lister, devices map[string]RDMA) {
	for _, name := range slices.Sorted(maps.Keys(devices)) {
		property := fmt.Sprintf("rdma[%q]", name)
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			l.wrong(property, "no device has this name")
			continue
		}
		value := name
		if n := devices[name].HCAHandles; n != nil {
			value += " hca_handle=" + strconv.FormatUint(uint64(*n), 10)
		}
		if n := devices[name].HCAObjects; n != nil {
			value += " hca_object=" + strconv.FormatUint(uint64(*n), 10)
		}
		if value != name {
			l.add(property, "rdma.max", value)
		}
	}
}
