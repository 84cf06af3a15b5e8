package oci

import "github.com/go-json-experiment/json/jsontext"

// refused are the properties that are known and not followed. Asking for one of them
// is an error with its path, so that nobody runs a container with less protection or
// fewer limits than its configuration has.
var refused = [...]struct {
	object   string // that has it, with [] for any element
	property string
	kind     jsontext.Kind
	what     string
}{
	{object: "linux", property: "seccomp", kind: '{', what: "seccomp is"},
	{object: "linux", property: "intelRdt", kind: '{', what: "Intel RDT is"},
}

// other reads a property that is not followed: one of the table must not ask for
// anything, and what is not in the specification at all is passed over.
func (d *decoder) other(object, property string) {
	for i := range refused {
		row := &refused[i]
		if row.property != property || row.object != object {
			continue
		}
		if got := d.dec.PeekKind(); got != row.kind && !(row.kind == 't' && got == 'f') {
			d.want(row.kind)
			return
		}
		if d.asks() {
			d.unsupported(row.what)
		}
		return
	}
	d.skip()
}
