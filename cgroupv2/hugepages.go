package cgroupv2

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Hugepages is a limit of huge pages of one size, also of those that are only
// reserved. hugetlb.SIZE.max, Linux 5.6, and hugetlb.SIZE.rsvd.max, Linux 5.7
type Hugepages struct {
	// PageSize is in the kernel's words, such as "2MB" or "1GB".
	PageSize string
	// Limit is in bytes.
	Limit uint64
}

func (h *Hugepages) list(l *lister, i int) {
	property := fmt.Sprintf("hugepageLimits[%d]", i)
	number := strings.TrimRight(h.PageSize, "KMGB")
	unit := h.PageSize[len(number):]
	if n, err := strconv.ParseUint(number, 10, 32); err != nil || n == 0 || !slices.Contains([]string{"KB", "MB", "GB"}, unit) {
		l.wrong(property+".pageSize", "%q is no size such as 64KB, 2MB, 1GB", h.PageSize)
		return
	}
	value := strconv.FormatUint(h.Limit, 10)
	l.add(property, "hugetlb."+h.PageSize+".max", value)
	// Without this one a process could reserve pages beyond, and die of SIGBUS when it
	// uses them.
	l.add(property, "hugetlb."+h.PageSize+".rsvd.max", value)
	l.files[len(l.files)-1].Optional = true
}
