package oci

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// dotted writes a JSON pointer as people write paths: "linux.devices[0].path", and
// with quotes where a name is not a plain word: linux.sysctl["net.ipv4.ip_forward"].
// A pointer does not tell the name "0" from the index 0; no object of a configuration
// has members that are called by numbers, annotations aside.
func dotted(p jsontext.Pointer) string {
	var b strings.Builder
	for name := range p.Tokens() {
		switch {
		case isIndex(name):
			b.WriteString("[" + name + "]")
		case !isWord(name):
			b.WriteString("[" + strconv.Quote(name) + "]")
		case b.Len() == 0:
			b.WriteString(name)
		default:
			b.WriteString("." + name)
		}
	}
	return b.String()
}

func isIndex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func isWord(s string) bool {
	for _, c := range s {
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != ""
}
