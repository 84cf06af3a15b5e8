package nsexec

import (
	"bytes"
	"encoding/binary"

	"github.com/selfcontain/runtime/nsexec/prog"
)

// ReportFile is the size of the report's file.
const ReportFile = initReport + reportMapping

// Marker is what stands behind the interpreter.
func Marker() []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, markerLow), markerHigh)
}

// ImageFor lays a program out for an architecture whose interpreter is given.
func ImageFor(p *prog.Program, arch string, code []byte) ([]byte, error) {
	l, err := lay(p, arch, imageOps, imageDataOffset, false)
	if err != nil {
		return nil, err
	}
	link(l.mem, code, arch)
	return l.mem, nil
}

// Code is the interpreter of this program.
func Code() ([]byte, error) {
	code, err := interpreter()
	return bytes.Clone(code), err
}

// ForkedAddress is where the kernel writes the number of a forked process.
const ForkedAddress = imageReport + reportForked
