package oci_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/oci"
)

// TestDecodeProcess reads processes by themselves.
func TestDecodeProcess(t *testing.T) {
	p, warnings, err := oci.DecodeProcess([]byte(`{
		"args": ["sh"], "cwd": "/srv", "user": {"uid": 5, "additionalGids": [6]}, "terminal": true,
		"apparmorProfile": "some", "selinuxLabel": "a:b:c:d", "execCPUAffinity": {"initial": "0-3"},
		"capabilities": {"bounding": ["CAP_NONE"]}
	}`))
	if err != nil || len(warnings) != 1 || p.Args[0] != "sh" || p.Cwd != "/srv" || p.User.UID != 5 || !p.Terminal ||
		p.AppArmorProfile != "some" || p.SELinuxLabel != "a:b:c:d" || p.CPUAffinity.Initial != "0-3" {
		t.Errorf("%+v, %v, %v", p, warnings, err)
	}
	for text, want := range map[string]string{
		`{"cwd": "/"}`:                                              `args`,
		`{"args": ["sh"]}`:                                          `cwd`,
		`{"args": ["sh"], "cwd": "x"}`:                              `cwd`,
		`{"args": ["sh"], "cwd": "/"} {}`:                           `behind`,
		`{"args": ["sh"], "args": ["true"]}`:                        `args`,
		`{"args": ["sh"], "cwd": "/", "user": {"uid": 4294967296}}`: `process: user.uid: 4294967296 is above 4294967295`,
		`[]`: `object`,
		``:   `empty`,
	} {
		if _, _, err := oci.DecodeProcess([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "process.json")
	if err := os.WriteFile(file, []byte(`{"args": 1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := oci.LoadProcess(file); err == nil || !strings.HasPrefix(err.Error(), file+": process: args: ") {
		t.Errorf("%v", err)
	}
}
