//go:build linux

package main

import (
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// pair is one row of the table: ours against a peer.
type pair struct {
	section    string
	name       string
	ours, peer contestant
	reach, aim float64

	oursTook, peerTook []time.Duration // samples, pair by pair
	missing            error           // why it cannot be measured here
	err                error           // what went wrong in the middle
}

// sample runs every pair once a round, pairs in random order and sides in random order.
// A pair that fails is left out from then on: half a sample tells nothing.
func sample(pairs []*pair, rounds int, pause time.Duration) {
	// The bench makes little garbage; a collection would land in somebody's time.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for range rounds {
		for _, i := range rand.Perm(len(pairs)) {
			if pairs[i].missing == nil && pairs[i].err == nil {
				pairs[i].err = pairs[i].once(pause)
			}
		}
	}
}

func (p *pair) once(pause time.Duration) error {
	sides := []contestant{p.ours, p.peer}
	var took [2]time.Duration
	first := rand.IntN(2)
	for _, i := range []int{first, 1 - first} {
		time.Sleep(pause)
		d, err := sides[i].run()
		if err != nil {
			return err
		}
		took[i] = d
	}
	p.oursTook = append(p.oursTook, took[0])
	p.peerTook = append(p.peerTook, took[1])
	return nil
}

// ratio is ours divided by the peer, over the pairs.
func (p *pair) ratio() interval {
	ratios := make([]float64, len(p.oursTook))
	for i := range ratios {
		ratios[i] = float64(p.oursTook[i]) / float64(p.peerTook[i])
	}
	return medianOf(ratios)
}

const (
	metReach = "reach"
	metAim   = "aim"
	metNone  = "no"
)

// met says which of the two goals a value meets; smaller is better. A goal of 0 is none.
func met(value, reach, aim float64) string {
	switch {
	case reach == 0:
		return ""
	case aim != 0 && value <= aim:
		return metAim
	case value <= reach:
		return metReach
	}
	return metNone
}

func milliseconds(took []time.Duration) float64 {
	all := make([]float64, len(took))
	for i, d := range took {
		all[i] = float64(d) / float64(time.Millisecond)
	}
	return medianOf(all).Median
}
