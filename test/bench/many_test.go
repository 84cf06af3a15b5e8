//go:build linux

package main

import (
	"math"
	"strings"
	"testing"
)

func TestFiguresOfMany(t *testing.T) {
	m := many{life: life{name: "selfcontain"}, ids: make([]string, 100), listed: []float64{9, 7, 8}, resident: []float64{40, 48, 44}}
	for i := range 100 {
		m.creates = append(m.creates, 5+float64(i/90)) // the last tenth takes longer
	}
	var said []string
	for _, f := range m.figures() {
		said = append(said, f.Name+" "+met(f.Value, f.Reach, 0))
	}
	if got := strings.Join(said, "; "); got != "create of the 100th : of the first, selfcontain reach; list of all, selfcontain reach; resident each, selfcontain reach" {
		t.Error(got)
	}
	for i, want := range []float64{1.2, 8, 44} {
		if got := m.figures()[i].Value; got != want {
			t.Errorf("figure %d is %v, want %v", i, got, want)
		}
	}
	m.name = "crun"
	if got := m.figures()[0].Reach; got != 0 {
		t.Errorf("crun has a goal: %v", got)
	}
	m.creates = m.creates[:9]
	if got := m.figures(); len(got) != 1 || !math.IsNaN(got[0].Value) {
		t.Errorf("of nine: %v", got)
	}
}
