package main

import "testing"

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "-1": -1, "1024": 1024, "4096b": 4096, "1k": 1 << 10, "64m": 64 << 20, "64M": 64 << 20, "64mb": 64 << 20, "64MiB": 64 << 20,
		"64 MB": 64 << 20, "1.5g": 3 << 29, "0.5k": 512, "1.25G": 5 << 28, "2t": 2 << 40, "1p": 1 << 50, "0.001m": 1048, "1.0": 1, "007": 7,
		"9223372036854775807": 1<<63 - 1, "8191p": 8191 << 50,
	} {
		if got, err := parseSize(text); got != want || err != nil {
			t.Errorf("%s: %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "m", "-2", "-1m", "+1", "1x", "1mm", "1mib2", "1 m b", "1..5g", "1.g", ".5g", "1.5", "1e3", "0x10", "64  m", "m64", "1,5g", "٣",
		"9223372036854775808", "8192p", "99999999999999999999", "8191.9999999999p", "1.5.5m", "1k ",
	} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func TestParseCPUs(t *testing.T) {
	for text, want := range map[string]int64{"1": 100000, "1.5": 150000, "0.01": 1000, "64": 6400000, "0.5": 50000, "2.25": 225000, "0.333333": 33333} {
		if got, err := parseCPUs(text, 100000); got != want || err != nil {
			t.Errorf("%s: %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "0.001", "-1", "1.", ".5", "a", "1,5", "1.1234567", "+1", "99999999999", "1e1", "1.5.5", "1.-5"} {
		if got, err := parseCPUs(text, 100000); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}
