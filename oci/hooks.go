package oci

import (
	"math"
	"strings"
	"time"

	"github.com/selfcontain/runtime/container"
)

// hooks reads the six lists.
//
// https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md#posix-platform-hooks
func (d *decoder) hooks() {
	h := &d.spec.Hooks
	for name := range d.members() {
		var list *[]container.Hook
		switch container.HookKind(name) {
		case container.Prestart:
			list = &h.Prestart
		case container.CreateRuntime:
			list = &h.CreateRuntime
		case container.CreateContainer:
			list = &h.CreateContainer
		case container.StartContainer:
			list = &h.StartContainer
		case container.Poststart:
			list = &h.Poststart
		case container.Poststop:
			list = &h.Poststop
		default:
			d.skip()
			continue
		}
		for range d.elements() {
			*list = append(*list, d.hook())
		}
	}
}

func (d *decoder) hook() container.CommandHook {
	var h container.CommandHook
	for name := range d.members() {
		switch name {
		case "path":
			h.Path = d.absolute()
		case "args":
			h.Args = d.texts()
		case "env":
			for range d.elements() {
				h.Env = append(h.Env, d.variable())
			}
		case "timeout":
			// In seconds. The specification: it must be greater than zero.
			n := d.signed(math.MinInt64, int64(math.MaxInt64/time.Second))
			if d.err == nil && n <= 0 {
				d.fail("%d is not above 0", n)
			}
			h.Timeout = time.Duration(n) * time.Second
		default:
			d.skip()
		}
	}
	if h.Path == "" {
		d.missing("path")
	}
	return h
}

// variable reads KEY=VALUE, for which the specification refers to environ of POSIX.
func (d *decoder) variable() string {
	s := d.text()
	if d.err == nil && strings.IndexByte(s, '=') < 1 {
		d.fail("%q is not of the form NAME=VALUE", s)
	}
	return s
}
