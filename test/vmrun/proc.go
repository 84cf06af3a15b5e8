package main

import (
	"os"
	"strconv"
	"strings"
)

// uptime returns the seconds since boot, or 0.
func uptime() float64 {
	text, _ := os.ReadFile("/proc/uptime")
	first, _, _ := strings.Cut(string(text), " ")
	f, _ := strconv.ParseFloat(first, 64)
	return f
}

// memoryInUse returns what is not available of the memory, in KiB.
func memoryInUse() int64 {
	return procField("/proc/meminfo", "MemTotal:") - procField("/proc/meminfo", "MemAvailable:")
}

// procField returns the number behind a key of a file such as /proc/meminfo, or 0.
func procField(name, key string) int64 {
	text, _ := os.ReadFile(name)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == key {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n
		}
	}
	return 0
}
