package container_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/container"
)

var update = flag.Bool("update", false, "write the golden plans of testdata anew")

// TestGoldenPlans compiles the specs of testdata/*.txtar for the hosts of
// testdata/hosts. The plan is the same on every machine and on both architectures; the
// digest is that of the image, which is the same on every machine of one architecture.
//
// To see what a change does to plans: go test ./container -run Golden -update, and
// look at the difference. The digest of the other architecture is taken out then; the
// same command there, or GOARCH and a look at what the test reports, brings it back.
func TestGoldenPlans(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 12 {
		t.Errorf("only %d golden plans", len(names))
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			a := parseArchive(string(text))
			plan := golden(t, a)
			before := a.String()
			goldenText(t, &a, "plan", fmt.Sprintf("%v", plan))
			goldenText(t, &a, "brief", fmt.Sprintf("%s", plan))
			goldenDigest(t, &a, plan)
			if *update && a.String() != before {
				if err := os.WriteFile(name, []byte(a.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// golden is the plan of an archive's spec and host.
func golden(t *testing.T, a archive) *container.Plan {
	t.Helper()
	if _, enters := a.files["target"]; enters {
		return goldenEntry(t, a)
	}
	var spec container.Spec
	decoder := json.NewDecoder(strings.NewReader(a.files["spec"]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&spec); err != nil {
		t.Fatalf("spec: %v", err)
	}
	compile := container.Compile
	if _, waits := a.files["gated"]; waits {
		compile = container.CompileGated
	}
	if _, held := a.files["held"]; held {
		compile = container.CompileHeld
	}
	plan, err := compile(spec, hostOf(t, strings.TrimSpace(a.files["host"])))
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// goldenEntry is the plan of a process for a container that is there.
func goldenEntry(t *testing.T, a archive) *container.Plan {
	t.Helper()
	var process container.Process
	var target container.Target
	for name, v := range map[string]any{"process": &process, "target": &target} {
		decoder := json.NewDecoder(strings.NewReader(a.files[name]))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	plan, err := container.CompileExec(process, target, hostOf(t, strings.TrimSpace(a.files["host"])))
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// hostOf reads one of testdata/hosts.
func hostOf(t *testing.T, name string) container.Host {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/hosts", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var host container.Host
	if err := json.Unmarshal(text, &host); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return host
}

// goldenText holds a text against a file of the archive, and with -update the file
// against the text.
func goldenText(t *testing.T, a *archive, name, got string) {
	t.Helper()
	if want := a.files[name]; got != want && !*update {
		t.Errorf("%s: -update writes it anew\n%s", name, difference(want, got))
	}
	a.set(name, got)
}

// goldenDigest does so with the digest for this architecture.
func goldenDigest(t *testing.T, a *archive, plan *container.Plan) {
	t.Helper()
	digest, err := plan.Digest()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(a.files["digest"]) {
		if words := strings.Fields(line); len(words) == 2 {
			want[words[0]] = words[1]
		}
	}
	if want[runtime.GOARCH] == digest {
		return
	}
	if !*update {
		t.Errorf("digest: for %s it is %s, want %s", runtime.GOARCH, digest, want[runtime.GOARCH])
		return
	}
	// A digest that changes takes the other architecture's with it: that one is made
	// anew there. One that was missing is added.
	others := ""
	if want[runtime.GOARCH] == "" {
		others = a.files["digest"]
	}
	a.set("digest", others+runtime.GOARCH+" "+digest+"\n")
}

// difference shows the first lines that differ.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		line := func(list []string) string {
			if i < len(list) {
				return list[i]
			}
			return "(end)"
		}
		if line(w) != line(g) {
			return fmt.Sprintf("line %d: got  %s\nline %d: want %s", i+1, line(g), i+1, line(w))
		}
	}
	return ""
}

// TestPlansArePure compiles a spec twice, and once from a host that has been stored:
// the same plan, text, JSON and digest.
func TestPlansArePure(t *testing.T) {
	host, err := container.Probe()
	if err != nil {
		t.Fatal(err)
	}
	stored, err := json.Marshal(host)
	if err != nil {
		t.Fatal(err)
	}
	var again container.Host
	if err := json.Unmarshal(stored, &again); err != nil {
		t.Fatal(err)
	}
	spec := usual("/srv/root")
	spec.Sysctl = map[string]string{"net.a": "1", "net.b": "2", "net.c": "3", "net.d": "4", "net.e": "5"}
	type result struct{ text, brief, json, digest string }
	compiled := func(h container.Host) (r result) {
		plan, err := container.Compile(spec, h)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		if r.digest, err = plan.Digest(); err != nil {
			t.Fatal(err)
		}
		r.text, r.brief, r.json = fmt.Sprintf("%+v", plan), fmt.Sprintf("%s", plan), string(text)
		return r
	}
	first := compiled(host)
	for range 20 {
		if r := compiled(again); r != first {
			t.Fatalf("the same spec and host give two plans:\n%s\n%s", difference(first.text, r.text), difference(first.digest, r.digest))
		}
	}
	if len(first.digest) != 64 || strings.Trim(first.digest, "0123456789abcdef") != "" {
		t.Errorf("digest %q is no SHA-256", first.digest)
	}
}
