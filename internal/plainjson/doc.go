/*
Package plainjson is JSON for plain data: structs, and what they are made of.

It is the JSON of package encoding/json, and either reads what the other has written. That
one prepares itself for each type before its first use, which pays in a process that lives
for long and takes longer than all the rest in a command of a few milliseconds; this one
goes through the value by reflection and prepares nothing.

A string that is no UTF-8, as a name of a file need not be, comes back as it was.

What is less than there:
  - A field that is zero is not written by Append, and by AppendWhole unless it has omitempty.
  - A field that the struct does not have is an error, and so is one that comes twice, or is
    spelt otherwise.
  - Numbers that are read are whole.
  - Interfaces, channels and functions cannot be written, but for a field that is nil.
*/
package plainjson

import (
	"encoding"
	"reflect"
	"strings"
)

// What a type may have of its own. Those of JSON are the interfaces of encoding/json.
type (
	marshaler     interface{ MarshalJSON() ([]byte, error) }
	unmarshaler   interface{ UnmarshalJSON([]byte) error }
	textMarshaler = encoding.TextMarshaler
	textReader    = encoding.TextUnmarshaler
)

// member is a field of a struct as JSON has it.
type member struct {
	name      string
	index     int
	embedded  bool // its own fields are in the place of it
	omitEmpty bool
}

// memberOf is the field at an index; false for one that JSON does not have.
func memberOf(t reflect.Type, i int) (member, bool) {
	f := t.Field(i)
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
		return member{index: i, embedded: true}, true
	}
	if !f.IsExported() || name == "-" {
		return member{}, false
	}
	if name == "" {
		name = f.Name
	}
	return member{name: name, index: i, omitEmpty: options == "omitempty"}, true
}
