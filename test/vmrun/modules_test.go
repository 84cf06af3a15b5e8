package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// tree makes a module tree out of "name: depends" and "name: ?soft" words.
func tree(lines ...string) *moduleTree {
	t := &moduleTree{dir: "/lib/modules/test", paths: map[string]string{}, builtin: map[string]bool{"crc32c": true}, info: map[string]moduleInfo{}}
	for _, l := range lines {
		name, rest, _ := strings.Cut(l, ":")
		var i moduleInfo
		for _, w := range strings.Fields(rest) {
			if soft, ok := strings.CutPrefix(w, "?"); ok {
				i.softPre = append(i.softPre, soft)
			} else {
				i.depends = append(i.depends, w)
			}
		}
		t.paths[name], t.info[name] = name+".ko", i
	}
	return t
}

func TestResolve(t *testing.T) {
	mt := tree("virtio:", "virtio_ring: virtio", "virtio_pci: virtio_ring virtio", "ext4: crc32c mbcache ?crc_fast", "mbcache:", "a: b", "b: a", "ip_vlan:", "broken: absent", "soft: ?virtio")
	rows := []struct {
		about string
		names string
		want  string
		err   string
	}{
		{about: "dependencies come first, each once", names: "virtio_pci virtio_ring", want: "virtio virtio_ring virtio_pci"},
		{about: "what is built in needs no loading", names: "crc32c", want: ""},
		{about: "a soft dependency may be missing", names: "ext4", want: "mbcache ext4"},
		{about: "a soft dependency comes first where it is", names: "soft", want: "virtio soft"},
		{about: "a dash is an underscore", names: "ip-vlan", want: "ip_vlan"},
		{about: "an optional module may be missing", names: "?nothing virtio", want: "virtio"},
		{about: "an optional module is loaded where it is", names: "?virtio", want: "virtio"},
		{about: "a circle ends", names: "a", want: "b a"},
		{about: "an empty name is nothing", names: "", want: ""},
		{about: "another module may not be missing", names: "nothing", err: `"nothing"`},
		{about: "nor may what it depends on", names: "?broken", err: `"absent"`},
	}
	for _, r := range rows {
		got, err := mt.resolve(strings.Fields(r.names))
		if r.err != "" {
			if err == nil || !strings.Contains(err.Error(), r.err) {
				t.Errorf("%s: error %v, want one about %s", r.about, err, r.err)
			}
			continue
		}
		if err != nil || strings.Join(got, " ") != r.want {
			t.Errorf("%s: %q, %v, want %q", r.about, got, err, r.want)
		}
	}
}

func TestParseModinfo(t *testing.T) {
	got := parseModinfo("license=GPL\x00depends=virtio-ring,virtio\x00alias=pci:v00001AF4d*\x00softdep=pre: crc32c sha-256 post: x\x00softdep=post: y\x00")
	want := moduleInfo{
		depends: []string{"virtio_ring", "virtio"},
		softPre: []string{"crc32c", "sha_256"},
		aliases: []string{"pci:v00001AF4d*"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := parseModinfo("depends=\x00"); got.depends != nil {
		t.Errorf("no dependencies are %q", got.depends)
	}
}

func TestModuleName(t *testing.T) {
	for path, want := range map[string]string{
		"kernel/drivers/virtio/virtio_pci.ko":     "virtio_pci",
		"kernel/drivers/net/ipvlan/ip-vlan.ko.xz": "ip_vlan",
		"overlay.ko.zst":                          "overlay",
	} {
		if got := moduleName(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

func TestModuleList(t *testing.T) {
	o, err := parseOptions([]string{"-modules", "+dm-mod:a=1;b=2", "-modules", "+?zram", "true"})
	if err != nil {
		t.Fatal(err)
	}
	names, params := o.moduleList()
	if !slices.Contains(names, "overlay") || !slices.Contains(names, "dm-mod") || !slices.Contains(names, "?zram") {
		t.Errorf("the default and what is added: %q", names)
	}
	if params["dm_mod"] != "a=1 b=2" || params["dummy"] != "numdummies=0" {
		t.Errorf("parameters %q", params)
	}
	if o, err = parseOptions([]string{"-modules", "a,b", "true"}); err != nil {
		t.Fatal(err)
	}
	if names, _ := o.moduleList(); !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("instead of the default: %q", names)
	}
}
