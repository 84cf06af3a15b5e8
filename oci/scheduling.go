package oci

import (
	"math"

	"github.com/selfcontain/runtime/container"
)

// Names and ranges are for [container.Compile] to check: it knows what the kernel takes.

func (d *decoder) scheduler() {
	s := &container.Scheduler{}
	for name := range d.members() {
		switch name {
		case "policy":
			s.Policy = d.text()
		case "nice":
			s.Nice = d.int32()
		case "priority":
			s.Priority = d.int32()
		case "flags":
			s.Flags = d.texts()
		case "runtime":
			s.Runtime = d.unsigned(math.MaxUint64)
		case "deadline":
			s.Deadline = d.unsigned(math.MaxUint64)
		case "period":
			s.Period = d.unsigned(math.MaxUint64)
		default:
			d.skip()
		}
	}
	if s.Policy == "" {
		d.missing("policy")
	}
	d.spec.Process.Scheduler = s
}

func (d *decoder) ioPriority() {
	p, level := &container.IOPriority{}, false
	for name := range d.members() {
		switch name {
		case "class":
			p.Class = d.text()
		case "priority":
			level = true
			p.Priority = int(d.int32())
		default:
			d.skip()
		}
	}
	switch {
	case p.Class == "":
		d.missing("class")
	case !level:
		d.missing("priority")
	}
	d.spec.Process.IOPriority = p
}

func (d *decoder) cpuAffinity() {
	a := &d.spec.Process.CPUAffinity
	for name := range d.members() {
		switch name {
		case "initial":
			a.Initial = d.text()
		case "final":
			a.Final = d.text()
		default:
			d.skip()
		}
	}
}

func (d *decoder) personality() {
	p := &container.Personality{}
	for name := range d.members() {
		switch name {
		case "domain":
			p.Domain = d.text()
		case "flags":
			for range d.elements() {
				flag := d.text()
				d.fail("%q: the specification defines no flags", flag)
			}
		default:
			d.skip()
		}
	}
	if p.Domain == "" {
		d.missing("domain")
	}
	d.spec.Process.Personality = p
}

func (d *decoder) memoryPolicy() {
	p := &container.MemoryPolicy{}
	for name := range d.members() {
		switch name {
		case "mode":
			p.Mode = d.text()
		case "nodes":
			p.Nodes = d.text()
		case "flags":
			p.Flags = d.texts()
		default:
			d.skip()
		}
	}
	if p.Mode == "" {
		d.missing("mode")
	}
	d.spec.Process.MemoryPolicy = p
}

func (d *decoder) int32() int32 { return int32(d.signed(math.MinInt32, math.MaxInt32)) }
