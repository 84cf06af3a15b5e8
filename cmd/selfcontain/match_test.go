package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestMatching(t *testing.T) {
	const ids = "a\nab\nb.c\n-e\n"
	for expression, want := range map[string]string{
		"a": "a ab", "^a$": "a", "a|c": "a ab b.c", `\.`: "b.c", "b[.]c": "b.c", "x": "", "^-e$": "-e", "": "-e a ab b.c",
	} {
		got, err := matching(expression, ids)
		if list := strings.Join(slices.Sorted(maps.Keys(got)), " "); err != nil || list != want {
			t.Errorf("%q: %s, %v, want %s", expression, list, err, want)
		}
	}
	if got, err := matching("(", ids); err == nil {
		t.Errorf("no expression: %v", got)
	}
}
