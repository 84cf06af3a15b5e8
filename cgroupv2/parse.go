package cgroupv2

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Max is a limit that is none: what the kernel writes as "max".
const Max = math.MaxUint64

// parseNumber reads a file with one number, or "max".
func parseNumber(text string) (uint64, error) {
	text = strings.TrimSuffix(text, "\n")
	if text == "max" {
		return Max, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

// parseFlat reads lines of "KEY NUMBER".
func parseFlat(text string) (map[string]uint64, error) {
	values := map[string]uint64{}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, " ")
		n, err := parseNumber(value)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		values[key] = n
	}
	return values, nil
}

// parseNested reads lines of "KEY NAME=NUMBER NAME=NUMBER...", which have a key for
// each device. Values that are no numbers, such as ctrl=auto, are left out.
func parseNested(text string) (map[string]map[string]uint64, error) {
	lines := map[string]map[string]uint64{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		values := map[string]uint64{}
		for _, w := range words[1:] {
			name, value, ok := strings.Cut(w, "=")
			if !ok {
				return nil, fmt.Errorf("line %q: no value in %q", line, w)
			}
			if n, err := parseNumber(value); err == nil {
				values[name] = n
			}
		}
		lines[words[0]] = values
	}
	return lines, nil
}

// parseDevice reads "MAJOR:MINOR".
func parseDevice(text string) (d DeviceID, err error) {
	a, b, ok := strings.Cut(text, ":")
	if !ok {
		return d, fmt.Errorf("%q is no device", text)
	}
	major, err := strconv.ParseUint(a, 10, 32)
	if err != nil {
		return d, err
	}
	minor, err := strconv.ParseUint(b, 10, 32)
	return DeviceID{uint32(major), uint32(minor)}, err
}

// parsePIDs reads a number a line. A process of another pid namespace is 0.
func parsePIDs(text string) ([]int, error) {
	var pids []int
	for line := range strings.Lines(text) {
		n, err := strconv.ParseUint(strings.TrimSuffix(line, "\n"), 10, 31)
		if err != nil {
			return nil, err
		}
		pids = append(pids, int(n))
	}
	return pids, nil
}

// parsePressure reads a file of pressure stall information.
func parsePressure(text string) (p Pressure, err error) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		stall := map[string]*Stall{"some": &p.Some, "full": &p.Full}[words[0]]
		if stall == nil {
			continue // some kernel to come has more
		}
		for _, w := range words[1:] {
			if err = stall.set(w); err != nil {
				return p, fmt.Errorf("line %q: %w", line, err)
			}
		}
	}
	return p, nil
}

// set takes one word, such as avg10=0.12 or total=345.
func (s *Stall) set(word string) (err error) {
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "avg10":
		s.Avg10, err = strconv.ParseFloat(value, 64)
	case "avg60":
		s.Avg60, err = strconv.ParseFloat(value, 64)
	case "avg300":
		s.Avg300, err = strconv.ParseFloat(value, 64)
	case "total":
		var n uint64
		n, err = strconv.ParseUint(value, 10, 64)
		s.Total = microseconds(n)
	}
	return err
}
