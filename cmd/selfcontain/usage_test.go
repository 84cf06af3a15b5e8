package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// What help prints is what a newcomer reads: a change of it is looked at.
func TestHelp(t *testing.T) {
	var all strings.Builder
	for _, args := range []string{"help", "help box", "help spec", "help plan", "help run", "help trace", "help completion", "help version", "help help",
		"help create", "help start", "help state", "help list", "help ps", "help exec", "help kill", "help pause", "help resume", "help update", "help events", "help delete"} {
		r := do(t, command(t, strings.Fields(args)...))
		if r.status != 0 || r.stderr != "" {
			t.Errorf("%s: status %d, %q", args, r.status, r.stderr)
		}
		all.WriteString("$ selfcontain " + args + "\n" + r.stdout + "\n")
	}
	file := filepath.Join("testdata", "help.golden")
	if *update {
		if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if all.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", all.String(), want)
	}
	for line := range strings.Lines(all.String()) {
		if len(line) > 86 {
			t.Errorf("a line too long: %q", line)
		}
	}
}

func TestHelpIsWhereItIsLookedFor(t *testing.T) {
	for _, row := range []struct{ asked, same string }{
		{"--help", "help"}, {"-h", "help"}, {"run --help", "help run"}, {"plan -h", "help plan"}, {"trace -h", "help trace"}, {"trace run -h", "help run"},
		{"run x --help", "help run"}, {"kill x TERM -h", "help kill"},
		{"--debug run --bundle x --help", "help run"},
	} {
		got, want := do(t, command(t, strings.Fields(row.asked)...)), do(t, command(t, strings.Fields(row.same)...))
		if got != want {
			t.Errorf("%s: got %+v, want the same as of %s", row.asked, got, row.same)
		}
	}
}

// Engines take three lines, in this order.
func TestVersion(t *testing.T) {
	const three = `\Aselfcontain version \S+\ncommit: \S+\nspec: 1\.3\.0\n`
	for args, want := range map[string]string{"version": three + `go: go\S+.*\n\z`, "--version": three + `\z`, "-v": three + `\z`, "-version": three + `\z`} {
		r := do(t, command(t, args))
		if r.status != 0 || r.stderr != "" || !regexp.MustCompile(want).MatchString(r.stdout) {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

func TestMistakes(t *testing.T) {
	empty := t.TempDir()
	file := filepath.Join(empty, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args []string
		want string
	}{
		{nil, `a command is missing; selfcontain help lists them`},
		{[]string{"fly"}, `unknown command "fly"; selfcontain help lists them`},
		{[]string{"help", "fly"}, `help: unknown command "fly"`},
		{[]string{"help", "run", "plan"}, `help: more than one command`},
		{[]string{"--fly", "run"}, `flag provided but not defined: -fly`},
		{[]string{"-x"}, `flag provided but not defined: -x`},
		{[]string{"run", "--fly", "a"}, `run: flag provided but not defined: -fly`},
		{[]string{"run", "--bundle"}, `run: flag needs an argument: -bundle`},
		{[]string{"--debug=maybe", "run"}, `invalid boolean value "maybe" for -debug: parse error`},
		{[]string{"run"}, `run: the id of the container is missing`},
		{[]string{"trace"}, `trace: the id of the container is missing`},
		{[]string{"trace", "run"}, `trace run: the id of the container is missing`},
		{[]string{"trace", "-b", empty, "run", "a"}, `trace: --bundle belongs behind "run"`},
		{[]string{"trace", "run", "--json", "a"}, `trace run: flag provided but not defined: -json`},
		{[]string{"trace", "run", "-b", empty, "a"}, empty + `/config.json: no such file or directory`},
		{[]string{"plan"}, `plan: the id of the container is missing`},
		{[]string{"run", "a", "--bundle"}, `run: flag needs an argument: -bundle`},
		{[]string{"run", "a", "--fly"}, `run: "--fly": nothing is expected behind the id`},
		{[]string{"run", "a", "--", "--bundle"}, `run: "--bundle": nothing is expected behind the id`},
		{[]string{"run", "a", "-b", empty}, empty + `/config.json: no such file or directory`},
		{[]string{"plan", "a", "-b", empty}, `plan: "-b": nothing is expected behind the id`},
		{[]string{"run", "a/b"}, `run: id "a/b": letters, digits and _+.- are allowed`},
		{[]string{"run", ".."}, `run: id ".." is no name for a container`},
		{[]string{"--root", "", "run", "a"}, `--root: the name of the directory is empty`},
		{[]string{"--root", file, "run", "a"}, `--root: ` + file + ` is not a directory`},
		{[]string{"run", "--bundle", empty, "a"}, empty + `/config.json: no such file or directory`},
		{[]string{"plan", "-b", empty, "a"}, empty + `/config.json: no such file or directory`},
		{[]string{"plan", "--format", "xml", "a"}, `plan: invalid value "xml" for flag -format: want text or json`},
		{[]string{"plan", "--brief", "--digest", "a"}, `plan: --brief, --digest and --format=json: only one of them is possible`},
		{[]string{"plan", "--digest", "--format=json", "a"}, `plan: --brief, --digest and --format=json: only one of them is possible`},
		{[]string{"create"}, `create: the id of the container is missing`},
		{[]string{"create", "-b", empty, "a"}, empty + `/config.json: no such file or directory`},
		{[]string{"create", "-b", empty, "--config", empty + "/other.json", "a"}, empty + `/other.json: no such file or directory`},
		{[]string{"run", "-f", empty, "a"}, empty + `: it is not a regular file`},
		{[]string{"start", "a", "b"}, `start: "b": nothing is expected behind the id`},
		{[]string{"state", "a b"}, `state: id "a b": letters, digits and _+.- are allowed`},
		{[]string{"list", "a"}, `list: "a": no argument is expected`},
		{[]string{"list", "-f", "xml"}, `list: invalid value "xml" for flag -f: want table or json`},
		{[]string{"ps"}, `ps: the id of the container is missing`},
		{[]string{"kill"}, `kill: the id of the container is missing`},
		{[]string{"kill", "a", "FLY"}, `kill: signal "FLY": want a number from 0 to 64 or a name, such as TERM or SIGTERM`},
		{[]string{"kill", "a", "-9"}, `kill: signal "-9": want a number from 0 to 64 or a name, such as TERM or SIGTERM`},
		{[]string{"kill", "a", "TERM", "b"}, `kill: "b": nothing is expected behind the signal`},
		{[]string{"kill", "--regex"}, `kill: --regex: want one expression`},
		{[]string{"delete", "-x", "a"}, `delete: flag provided but not defined: -x`},
		{[]string{"delete", "--force", "a/b"}, `delete: id "a/b": letters, digits and _+.- are allowed`},
		{[]string{"--log-format", "xml", "list"}, `invalid value "xml" for flag -log-format: want text or json`},
		{[]string{"--log", empty + "/none/log", "list"}, `--log ` + empty + `/none/log: no such file or directory`},
		{[]string{"--log", "journald:x", "list"}, `--log journald:x: want a file: journald is not supported`},
		{[]string{"--rootless", "maybe", "list"}, `invalid value "maybe" for flag -rootless: want true or false or auto`},
		{[]string{"--cgroup-manager", "me", "list"}, `invalid value "me" for flag -cgroup-manager: want cgroupfs or systemd or disabled`},
		{[]string{"spec", "x"}, `spec: "x": no argument is expected`},
		{[]string{"spec", "-b", empty + "/none"}, `open ` + empty + `/none/config.json: no such file or directory`},
		{[]string{"version", "x"}, `version: "x": no argument is expected`},
	} {
		r := do(t, command(t, row.args...))
		if want := (result{stderr: "selfcontain: " + row.want + "\n", status: 1}); r != want {
			t.Errorf("%q:\n got %+v\nwant %+v", row.args, r, want)
		}
	}
}

// Where flags may stand: in front of an id and behind it, but not where another program's
// arguments are.
func TestFlagsBehindWords(t *testing.T) {
	for _, row := range []struct {
		verb, args  string
		words, seen string // what is left, and the flags
	}{
		{"delete", "--force a", "a", "force"},
		{"delete", "a --force", "a", "force"},
		{"delete", "a -f", "a", "f"},
		{"delete", "a -- -f", "a -f", ""},
		{"delete", "-- a -f", "a -f", ""},
		{"delete", "-f -- a", "a", "f"},
		{"delete", "- -f", "-", "f"},
		{"kill", "a KILL -a", "a KILL", "a"},
		{"kill", "a --all=true KILL", "a KILL", "all"},
		{"kill", "a -9", "a -9", ""},
		{"kill", "-a a -9 --regex", "a -9", "a regex"},
		{"create", "a -b B --pid-file F", "a", "b pid-file"},
		{"run", "-d a --bundle=B", "a", "bundle d"},
		{"update", "--memory 1 a --pids-limit -1", "a", "memory pids-limit"},
		{"update", "a -r -", "a", "r"},
		{"events", "a --stats", "a", "stats"},
		{"list", "-q -f json", "", "f q"},
		{"state", "a --x", "a --x", ""},
		{"exec", "-t a sh -c -t", "a sh -c -t", "t"},
		{"ps", "a -f", "a -f", ""},
		{"box", "-t sh -t", "sh -t", "t"},
		{"plan", "--brief run -b B a", "run -b B a", "brief"},
		{"trace", "exec a sh --json", "exec a sh --json", ""},
	} {
		v, known := find(row.verb)
		if !known {
			t.Fatal(row.verb)
		}
		f := flagSet(v.name)
		v.prepare(new(global), f)
		words, err := v.parse(f, strings.Fields(row.args))
		var seen []string
		f.Visit(func(x *flag.Flag) { seen = append(seen, x.Name) })
		if got := strings.Join(words, " "); got != row.words || strings.Join(seen, " ") != row.seen || err != nil {
			t.Errorf("%s %s: %q with %q, %v", row.verb, row.args, got, seen, err)
		}
	}
}

func TestContainerID(t *testing.T) {
	long := strings.Repeat("a", 255)
	for _, id := range []string{"a", "0", "A_b+c.d-e", "...", "-", "..a", long} {
		if got, err := containerID(flagSet("run"), []string{id}); got != id || err != nil {
			t.Errorf("%q: %q, %v", id, got, err)
		}
	}
	for _, id := range []string{"", ".", "..", "a/b", "/", "a b", "a\n", "ä", "a\x00", "a:b", "~", long + "a"} {
		if got, err := containerID(flagSet("run"), []string{id}); err == nil {
			t.Errorf("%q is taken for %q", id, got)
		}
	}
}

func TestDefaultRoot(t *testing.T) {
	for _, row := range []struct {
		uid              int
		runtimeDir, want string
	}{
		{0, "", "/run/selfcontain"},
		{0, "/run/user/0", "/run/selfcontain"},
		{1000, "/run/user/1000", "/run/user/1000/selfcontain"},
		{1000, "", "/run/selfcontain"},
	} {
		if got := defaultRoot(row.uid, row.runtimeDir); got != row.want {
			t.Errorf("uid %d, XDG_RUNTIME_DIR %q: got %s, want %s", row.uid, row.runtimeDir, got, row.want)
		}
	}
}

// A disk that is full is no success.
func TestOutputIsChecked(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, args := range []string{"version", "help", "help run"} {
		c := command(t, strings.Fields(args)...)
		c.Stdout = full
		if statusOf(t, c.Run()) != 1 {
			t.Errorf("%s: success", args)
		}
	}
}
