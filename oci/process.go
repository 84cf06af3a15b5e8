package oci

import (
	"slices"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/nsexec/prog"
)

func (d *decoder) process() {
	p := &d.spec.Process
	for name := range d.members() {
		switch name {
		case "args":
			p.Args = d.texts()
		case "env":
			d.environment()
		case "cwd":
			p.Cwd = d.absolute()
		case "user":
			d.user()
		case "rlimits":
			for range d.elements() {
				d.rlimit()
			}
		case "capabilities":
			d.capabilities()
		case "terminal":
			p.Terminal = d.flag()
		case "consoleSize":
			d.consoleSize()
		case "noNewPrivileges":
			p.NoNewPrivileges = d.flag()
		case "oomScoreAdj":
			// The kernel's own limits, OOM_SCORE_ADJ_MIN and _MAX.
			n := int(d.signed(-1000, 1000))
			p.OOMScoreAdj = &n
		case "scheduler":
			d.scheduler()
		case "ioPriority":
			d.ioPriority()
		case "execCPUAffinity":
			d.cpuAffinity()
		case "apparmorProfile":
			p.AppArmorProfile = d.text()
		case "selinuxLabel":
			p.SELinuxLabel = d.text()
		default:
			d.other("process", name)
		}
	}
	if !p.Terminal { // the specification: the size is ignored then
		p.ConsoleSize = container.WindowSize{}
	}
	if len(p.Args) == 0 {
		d.missing("args")
	}
	if p.Cwd == "" {
		d.missing("cwd")
	}
}

func (d *decoder) environment() {
	d.spec.Process.Env = []string{}
	for range d.elements() {
		d.spec.Process.Env = append(d.spec.Process.Env, d.variable())
	}
}

func (d *decoder) user() {
	u := &d.spec.Process.User
	for name := range d.members() {
		switch name {
		case "uid":
			u.UID = d.id()
		case "gid":
			u.GID = d.id()
		case "umask":
			mask := uint32(d.unsigned(0o777))
			u.Umask = &mask
		case "additionalGids":
			u.AdditionalGIDs = []uint32{}
			for range d.elements() {
				u.AdditionalGIDs = append(u.AdditionalGIDs, d.id())
			}
		default:
			d.skip()
		}
	}
}

func (d *decoder) consoleSize() {
	const most = 1<<16 - 1 // struct winsize
	size := &d.spec.Process.ConsoleSize
	for name := range d.members() {
		switch name {
		case "height":
			size.Height = uint16(d.unsigned(most))
		case "width":
			size.Width = uint16(d.unsigned(most))
		default:
			d.skip()
		}
	}
}

func (d *decoder) rlimit() {
	const unlimited = 1<<64 - 1
	var limit container.Rlimit
	soft, hard := false, false
	for name := range d.members() {
		switch name {
		case "type":
			limit.Type = d.text()
			if _, known := prog.ResourceLimit(limit.Type); !known {
				d.fail("%q is not a resource limit", limit.Type)
			}
			if slices.ContainsFunc(d.spec.Process.Rlimits, func(r container.Rlimit) bool { return r.Type == limit.Type }) {
				d.fail("%s stands twice", limit.Type)
			}
		case "soft":
			soft = true
			limit.Soft = d.unsigned(unlimited)
		case "hard":
			hard = true
			limit.Hard = d.unsigned(unlimited)
		default:
			d.skip()
		}
	}
	switch {
	case limit.Type == "":
		d.missing("type")
	case !soft:
		d.missing("soft")
	case !hard:
		d.missing("hard")
	}
	d.spec.Process.Rlimits = append(d.spec.Process.Rlimits, limit)
}

func (d *decoder) capabilities() {
	var bounding, effective, permitted, inheritable, ambient []string
	for name := range d.members() {
		switch name {
		case "bounding":
			bounding = d.texts()
		case "effective":
			effective = d.texts()
		case "permitted":
			permitted = d.texts()
		case "inheritable":
			inheritable = d.texts()
		case "ambient":
			ambient = d.texts()
		default:
			d.skip()
		}
	}
	config, warnings := caps.ParseSets(bounding, effective, permitted, inheritable, ambient)
	for _, w := range warnings {
		d.warn(w.String())
	}
	d.spec.Process.Capabilities = &config
}
