package oci_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/cgroupv2"
	"github.com/selfcontain/runtime/oci"
)

// FuzzResources decodes limits, as an update takes them, and makes the files of them that
// would be written: each is a file of the group itself, and its value is for one line.
func FuzzResources(f *testing.F) {
	for _, version := range []string{"1.3.0", "1.0.2", ""} {
		f.Add([]byte(every), version)
	}
	f.Add([]byte(`{"unified": {"memory.max": "1", "../cgroup.procs": "1", "cgroup.kill": "1", "a\nb": "\n"}}`), "1.3.0")
	f.Add([]byte(`{"memory": {"limit": -9223372036854775808, "swap": 9223372036854775807}, "cpu": {"shares": 18446744073709551615, "period": 0, "cpus": "0\n1"}}`), "1.3.0")
	f.Add([]byte(`{"hugepageLimits": [{"pageSize": "2MB/../x", "limit": 1}], "rdma": {"a b": {"hcaHandles": 1}}, "blockIO": {"weight": 9, "throttleReadBpsDevice": [{"major": -1, "minor": 3, "rate": 0}]}}`), "1.3.0")
	f.Fuzz(func(t *testing.T, data []byte, version string) {
		r, err := oci.DecodeResources(data, version)
		var files []cgroupv2.File
		if err == nil {
			files, err = r.Files()
		}
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x00\x1b\r") {
					t.Errorf("not plain: %q", line)
				}
			}
			var wrong *cgroupv2.LimitError
			if errors.As(err, &wrong) && wrong.Origin == "" {
				t.Errorf("it does not say what is wrong: %q", err)
			}
			return
		}
		for _, file := range files {
			for g := &file; g != nil; g = g.Instead {
				if g.Name == "" || strings.ContainsAny(g.Name, "/\n\x00") || strings.HasPrefix(g.Name, ".") || strings.ContainsAny(g.Value, "\n\x00") {
					t.Errorf("%q is written to %q", g.Value, g.Name)
				}
			}
		}
	})
}
