//go:build linux

package main

import (
	"math"
	"slices"
)

// interval is a median with its 95 % confidence interval.
type interval struct {
	Median, Low, High float64
}

// medianOf gives the median of the samples, and as its interval the order statistics that
// enclose it with a probability of at least 95 %. The ranks come from the binomial
// distribution: how many of n samples lie below the true median is the count of
// heads in n throws. With fewer than six samples no two of them do; then the
// interval is the whole range.
func medianOf(samples []float64) interval {
	n := len(samples)
	if n == 0 {
		return interval{math.NaN(), math.NaN(), math.NaN()}
	}
	s := slices.Sorted(slices.Values(samples))
	median := s[n/2]
	if n%2 == 0 {
		median = (s[n/2-1] + s[n/2]) / 2
	}
	// The largest k with P(heads < k) <= 2.5 %; s[k-1] and s[n-k] are the ends.
	k, tail := 0, 0.0
	for logP := -float64(n) * math.Ln2; k < n/2; k++ {
		tail += math.Exp(logP)
		if tail > 0.025 {
			break
		}
		logP += math.Log(float64(n-k) / float64(k+1))
	}
	k = max(k, 1)
	return interval{Median: median, Low: s[k-1], High: s[n-k]}
}
