package caps

import (
	"fmt"
	"math/bits"
	"strings"
)

// Set is a set of capabilities: number n is bit n, as in /proc/PID/status.
type Set uint64

// Of is the set of these capabilities.
func Of(list ...Cap) Set {
	var s Set
	s.Add(list...)
	return s
}

// UpTo is the set of all capabilities up to and including the last one, which is
// all that a kernel has for its cap_last_cap.
func UpTo(last Cap) Set {
	if last >= 63 {
		return ^Set(0)
	}
	return 1<<(last+1) - 1
}

// Has reports whether a capability is in the set.
func (s Set) Has(c Cap) bool { return s&(1<<c) != 0 }

// Add adds capabilities. There is no room for one above 63.
func (s *Set) Add(list ...Cap) {
	for _, c := range list {
		*s |= 1 << c
	}
}

// Remove removes capabilities; those that are not in the set are passed over.
func (s *Set) Remove(list ...Cap) {
	for _, c := range list {
		*s &^= 1 << c
	}
}

// List is the capabilities of the set by their numbers.
func (s Set) List() []Cap {
	list := make([]Cap, 0, bits.OnesCount64(uint64(s)))
	for ; s != 0; s &= s - 1 {
		list = append(list, Cap(bits.TrailingZeros64(uint64(s))))
	}
	return list
}

// String is the names with commas between them, and "none" for the empty set.
func (s Set) String() string {
	if s == 0 {
		return "none"
	}
	return s.join("", ", ")
}

// join writes the names with something before and between them.
func (s Set) join(before, between string) string {
	var b strings.Builder
	for i, c := range s.List() {
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(before)
		b.WriteString(c.String())
	}
	return b.String()
}

// names is the capabilities by name; it is empty, not nil, for the empty set.
func (s Set) names() []string {
	names := []string{}
	for _, c := range s.List() {
		names = append(names, c.String())
	}
	return names
}

// MarshalText is the names with a space between, so that a set is a string in JSON.
func (s Set) MarshalText() ([]byte, error) { return []byte(strings.Join(s.names(), " ")), nil }

// UnmarshalText reads names as MarshalText writes them. One that is not known is an
// error: where it is to be a warning, [ParseSets] reads the names.
func (s *Set) UnmarshalText(text []byte) error {
	var set Set
	for _, n := range strings.Fields(string(text)) {
		c, err := Parse(n)
		if err != nil {
			return fmt.Errorf("capabilities: %w", err)
		}
		set.Add(c)
	}
	*s = set
	return nil
}
