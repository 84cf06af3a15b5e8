package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestLogEntry(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 7000, time.UTC)
	text := "one \"line\"\nand\tmore \x01\xff ä"
	for format, want := range map[string]string{
		"json": `{"level":"error","msg":"one \"line\"\u000aand\u0009more \u0001` + "\uFFFD" + ` ä","time":"2026-02-03T04:05:06.000007Z"}` + "\n",
		"text": `time="2026-02-03T04:05:06.000007Z" level=error msg="one \"line\"\nand\tmore \x01\xff ä"` + "\n",
	} {
		if got := string(appendEntry(nil, format, severe, text, at)); got != want {
			t.Errorf("%s:\n got %s want %s", format, got, want)
		}
	}
}

// Engines read the whole file as one object, or its last line.
func TestLog(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "config.json")
	if err := os.WriteFile(broken, []byte(`{"ociVersion":"1.0.0","process":{"capabilities":{"bounding":["CAP_FLY"]},"user":{"uid":-1}}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "log")
	const when = `"time":"20[0-9-]{8}T[0-9:.]+(Z|[+-][0-9:]+)"`
	unknown := `\{"level":"error","msg":"unknown command \\"fly\\"; selfcontain help lists them",` + when + "\\}\n"
	for _, row := range []struct{ name, args, want string }{
		{"an error in JSON", "--log FILE --log-format json fly", unknown},
		{"with one dash, and =", "-log=FILE -log-format=json fly", unknown},
		{"as crun writes it", "--log=file:FILE --log-format=json fly", unknown},
		{"an error in text", "--log FILE fly", `time="20[^"]+" level=error msg="unknown command \\"fly\\"; selfcontain help lists them"` + "\n"},
		{"a command that fails has no warnings", "--log FILE --log-format json create -b BUNDLE a", `\{"level":"error","msg":"config.json: process.user.uid: [^\n]*\}` + "\n"},
		{"nothing went wrong", "--log FILE --log-format json version", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
			before := "what was there\n"
			if err := os.WriteFile(file, []byte(before), 0o644); err != nil {
				t.Fatal(err)
			}
			r := do(t, command(t, strings.Fields(strings.NewReplacer("FILE", file, "BUNDLE", dir).Replace(row.args))...))
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(`\A` + before + row.want + `\z`).Match(got) {
				t.Errorf("got %s, want %s", got, row.want)
			}
			if failed := row.want != ""; failed != (r.status == 1) || failed != strings.HasPrefix(r.stderr, "selfcontain: ") {
				t.Errorf("%+v", r)
			}
		})
	}
	if info, err := os.Stat(file); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// Warnings of a command that has not failed go to the file, where there is one, and not
// to standard error, which may be the container's.
func TestWarnings(t *testing.T) {
	for _, row := range []struct {
		level  string
		failed bool
		want   string
	}{
		{"warning", false, "one two "},
		{"debug", false, "one two "},
		{"error", false, ""},
		{"warning", true, "wrong "},
		{"error", true, "wrong "},
	} {
		file := filepath.Join(t.TempDir(), "log")
		l := log{path: file, level: choice{value: row.level}}
		if err := l.openFile(); err != nil {
			t.Fatal(err)
		}
		l.warn([]string{"one", "two"})
		if row.failed {
			l.failed(errWrong)
		} else {
			l.succeeded()
			l.succeeded() // once
		}
		os.NewFile(uintptr(l.file), file).Close()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, m := range regexp.MustCompile(`msg="(.*)"`).FindAllStringSubmatch(string(text), -1) {
			got += m[1] + " "
		}
		if got != row.want {
			t.Errorf("%+v: got %s", row, text)
		}
	}
}

var errWrong = wrong("wrong")

type wrong string

func (w wrong) Error() string { return string(w) }
