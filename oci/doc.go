// Package oci reads config.json of the OCI runtime specification, version 1.0 to 1.3,
// into a [container.Spec]. It goes one way: there is no road back from a Spec.
//
// The decoder is strict where a mistake would change what a container may do. A number
// out of its range, a name that stands twice in an object, a value of an enumeration
// that is not known, invalid UTF-8: each is an error that names the JSON path,
//
//	config.json: process.user.uid: 4294967296 is above 4294967295
//
// As the specification wants it, a property that is not known is ignored, and a name of
// a capability that is not known is a [Warning]. A property that is known and asks for
// something that this runtime does not do is refused, not dropped; errors.Is says
// [errors.ErrUnsupported] of it. A property that is null counts as absent.
//
// What belongs together only in the end is checked by [container.Compile]: a host name
// without a uts namespace, say, is right here and wrong there.
//
// The decoder works on the tokens of jsontext and has no reflection in it: this is on
// the way of every start, and encoding/json would take longer than the rest of it.
package oci
