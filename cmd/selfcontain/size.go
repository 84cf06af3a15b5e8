package main

import (
	"errors"
	"math/bits"
	"strconv"
	"strings"
)

var errSize = errors.New("want a number of bytes, or with a unit such as 512k, 64m or 1.5g, or -1 for no limit")

// parseSize reads a size as docker's flags take it: bytes, or with a unit of k, m, g, t or
// p, each 1024 times the one before, behind which B or iB may stand. -1 is no limit.
func parseSize(text string) (int64, error) {
	if text == "-1" {
		return -1, nil
	}
	unit := strings.TrimLeft(text, "0123456789.")
	number := text[:len(text)-len(unit)]
	shift, ok := unitShift(strings.ToLower(strings.TrimPrefix(unit, " ")))
	whole, fraction, dotted := strings.Cut(number, ".")
	if !ok || whole == "" || dotted && (fraction == "" || strings.Contains(fraction, ".")) {
		return 0, errSize
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > (1<<63-1)>>shift {
		return 0, errors.New("it is more than there can be")
	}
	n <<= shift
	if fraction = strings.TrimRight(fraction, "0"); fraction == "" {
		return n, nil
	}
	const digits = 9
	if shift == 0 || len(fraction) > digits {
		return 0, errSize
	}
	part, err := strconv.ParseUint(fraction+strings.Repeat("0", digits-len(fraction)), 10, 64)
	if err != nil {
		return 0, errSize
	}
	high, low := bits.Mul64(part, 1<<shift)
	q, _ := bits.Div64(high, low, 1e9)
	return n + int64(q), nil // less than a unit more
}

// unitShift is how many bits a unit shifts a number to the left.
func unitShift(unit string) (uint, bool) {
	if unit == "" || unit == "b" {
		return 0, true
	}
	i := strings.IndexByte("kmgtp", unit[0])
	switch {
	case i < 0, unit[1:] != "" && unit[1:] != "b" && unit[1:] != "ib":
		return 0, false
	}
	return uint(i+1) * 10, true
}

// parseCPUs reads a number of processors as docker's flags take it, and returns the time in
// microseconds that all of them together give in a period.
func parseCPUs(text string, period int64) (int64, error) {
	wrong := errors.New("want a number of processors of 0.01 or more, such as 1.5")
	whole, fraction, dotted := strings.Cut(text, ".")
	n, err := strconv.ParseUint(whole, 10, 32)
	const digits = 6
	if err != nil || dotted && fraction == "" || len(fraction) > digits {
		return 0, wrong
	}
	part, err := strconv.ParseUint(fraction+strings.Repeat("0", digits-len(fraction)), 10, 64)
	if err != nil {
		return 0, wrong
	}
	const least = 1000 // microseconds, of the kernel
	quota := int64(n)*period + int64(part)*period/1e6
	if quota < least {
		return 0, wrong
	}
	return quota, nil
}
