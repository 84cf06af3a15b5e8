package main

import (
	"fmt"
	"strconv"
	"strings"
)

// qemuArgs returns QEMU's arguments. The frames go over its standard input
// and output; TCG emulates every instruction unless -accel says otherwise.
func qemuArgs(o *options, image, initrd, console string) []string {
	machine, cpu := o.arch.machine, o.arch.cpu
	if o.machine != "" {
		machine = o.machine
	}
	if o.cpu != "" {
		cpu = o.cpu
	}
	device := func(name string) string {
		if strings.HasPrefix(machine, "microvm") { // it has no PCI
			return strings.Replace(name, "-pci", "-device", 1)
		}
		return name
	}
	args := []string{
		"-M", machine, "-accel", o.accel, "-cpu", cpu,
		"-smp", strconv.Itoa(o.cpus), "-m", strconv.Itoa(o.memory),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", image, "-initrd", initrd, "-append", strings.Join(kernelParams(o), " "),
		"-serial", "file:" + console,
		"-chardev", "stdio,id=port,signal=off",
		"-device", device("virtio-serial-pci"),
		"-device", "virtserialport,chardev=port,name=" + portName,
		"-device", device("virtio-rng-pci"),
	}
	for i, d := range drives(o) {
		args = append(args,
			"-drive", fmt.Sprintf("if=none,id=d%d,file=%s,format=raw,cache=unsafe,discard=unmap,snapshot=%s", i, strings.ReplaceAll(d.image, ",", ",,"), d.snapshot),
			"-device", fmt.Sprintf("%s,drive=d%d", device("virtio-blk-pci"), i))
	}
	return args
}

// kernelParams is the kernel's command line. A panic ends QEMU at once
// (panic=-1 with -no-reboot); all controllers are for cgroup v2.
func kernelParams(o *options) []string {
	return append([]string{
		"console=" + o.arch.console, "panic=-1", "quiet", "loglevel=4",
		"mitigations=off", "random.trust_cpu=on", "init_on_alloc=0",
		"cgroup_no_v1=all", "rdinit=/init", guestToken,
	}, o.kernelParams...)
}

type drive struct {
	image, snapshot string
}

// drives are vda, vdb and so on. What the guest writes to the root image is
// dropped unless it is to be kept; other disks are the caller's to change.
func drives(o *options) []drive {
	var out []drive
	if o.root != "" {
		snapshot := "on"
		if o.rootWritable {
			snapshot = "off"
		}
		out = append(out, drive{o.root, snapshot})
	}
	for _, d := range o.disks {
		out = append(out, drive{d, "off"})
	}
	return out
}
