package container

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// Plan is everything that will happen when the container is made, on both sides, in
// this order.
type Plan struct {
	// Before is what the host's side does first.
	Before []Step
	// Clone is the birth of the container's first process.
	Clone Birth
	// Child is what that process does, up to the user's program.
	Child *prog.Program
	// During is what the host's side does while the container waits: During[i] at
	// the sync point i of Child ([nsexec.SyncPoints]).
	During [][]Step
	// Terminal says that Child sends the master of a terminal to the host's side.
	Terminal bool
	// After is what the host's side does when the user's program runs.
	After []Step
	// End is what the host's side does when the container is gone ([Plan.Ended]).
	End []Step
	// State is what hooks are told. Its ID is the caller's to fill in; Status and Pid are
	// those of the moment.
	State State
	// Warnings say what of the configuration has no effect.
	Warnings []string

	cgroup string
	gate   bool // it waits in front of the user's program
	// meanwhile, if it is there, is called while the process is at work ([nsexec.Config])
	meanwhile func() error
	entered   *Target // the container in which it runs, where it makes none

	wanted *Spec // what it is a plan for, and for whom: to find out why a start fails
	host   *Host
}

// Birth is how the first process is made.
type Birth struct {
	// Namespaces are the flags of the new namespaces. clone(2)
	Namespaces uintptr
	// Files are the descriptors that it gets. Those of the caller's are the
	// program's standard input, output and error; the others come from Before.
	Files []prog.FD
	// Cgroup is the group that it is born in; empty is the caller's. CLONE_INTO_CGROUP
	Cgroup string
	// Kept is how many of them, from 0 on, stay open in the program.
	Kept int
}

// First is what the process does in its parent's memory: its descriptors, and the
// execution of the image. The parent's numbers are not known beforehand.
func (b Birth) First() (*prog.Program, error) {
	unknown := make([]prog.FD, 0, len(b.Files)+2)
	for _, f := range b.Files {
		unknown = append(unknown, prog.FD{Num: -1, Name: f.Name})
	}
	unknown = append(unknown, prog.FD{Num: -1, Name: "report"}, prog.FD{Num: -1, Name: "control"})
	return nsexec.First(unknown, prog.FD{Num: -1, Name: "image"})
}

// String is the call to clone3.
func (b Birth) String() string {
	return fmt.Sprintf("clone3({flags=%s, exit_signal=SIGCHLD}, 88)", prog.CloneFlags(nsexec.CloneFlags|uint64(b.Namespaces)|b.birthFlags()))
}

// Digest is the SHA-256 of the image that the container executes, in hexadecimal. The
// same Spec and Host give the same digest on every machine of an architecture.
func (p *Plan) Digest() (string, error) {
	image, err := nsexec.NewImage(p.Child)
	if err != nil {
		return "", err
	}
	return image.Digest(), nil
}

// Format prints the plan: %v one line a call, %+v with the origin of each, and %s in
// brief, a line for each part of the configuration.
func (p *Plan) Format(f fmt.State, verb rune) {
	if verb == 's' {
		p.brief(f)
		return
	}
	printSteps(f, verb, "before: the host's side", p.Before)
	fmt.Fprintf(f, "clone: the birth of the first process\n     %v\n", p.Clone)
	if first, err := p.Clone.First(); err == nil {
		first.Format(f, 'v')
	}
	fmt.Fprintf(f, "child: the container, up to the user's program\n")
	p.Child.Format(f, verb)
	points := nsexec.SyncPoints(p.Child)
	for i, steps := range p.During {
		printSteps(f, verb, fmt.Sprintf("during: the host's side, while the container waits at %d", points[i]), steps)
	}
	if len(p.After) > 0 {
		printSteps(f, verb, "after: the host's side", p.After)
	}
	if len(p.End) > 0 {
		printSteps(f, verb, "end: the host's side, when the container is gone", p.End)
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(f, "warning: %s\n", w)
	}
}

// printSteps prints what the host's side does, and what the processes do that it makes
// for it.
func printSteps(f fmt.State, verb rune, title string, steps []Step) {
	fmt.Fprintln(f, title)
	for _, s := range steps {
		as := ""
		if s.As.Name != "" {
			as = fmt.Sprintf(" = %d<%s>", s.As.Num, s.As.Name)
		}
		fmt.Fprintf(f, "     %v%s  # %s\n", s, as, s.Why)
		if s.Program != nil {
			s.Program.Format(f, verb)
		}
	}
}

// brief prints one line for every run of operations that come from the same part of
// the configuration.
func (p *Plan) brief(w io.Writer) {
	line := func(operations, part, calls string) {
		fmt.Fprintf(w, "%-8s %-15s %s\n", operations, part, calls)
	}
	steps := func(list []Step) string {
		text := make([]string, len(list))
		for i, s := range list {
			call, _, _ := strings.Cut(s.String(), "(")
			text[i] = strings.TrimSpace(call + " " + s.Path)
		}
		if len(text) == 0 {
			return "nothing"
		}
		return strings.Join(text, ", ")
	}
	line("before", "host", steps(p.Before))
	flags := "without a namespace"
	if p.Clone.Namespaces != 0 {
		flags = prog.CloneFlags(uint64(p.Clone.Namespaces))
	}
	line("clone", "namespaces", "clone3 "+flags)
	points := nsexec.SyncPoints(p.Child)
	for from := 0; from < p.Child.Len(); {
		to, part := from+1, partOf(p.Child, from)
		for to < p.Child.Len() && partOf(p.Child, to) == part {
			to++
		}
		line(fmt.Sprintf("%d-%d", from, to-1), part, summary(p.Child, from, to))
		for i, point := range points {
			if i < len(p.During) && from <= point && point < to {
				line("during", "host", steps(p.During[i]))
			}
		}
		from = to
	}
	for _, last := range []struct {
		when  string
		steps []Step
	}{{"after", p.After}, {"end", p.End}} {
		if len(last.steps) > 0 {
			line(last.when, "host", steps(last.steps))
		}
	}
}

// partOf is the part of the configuration that operation i comes from.
func partOf(p *prog.Program, i int) string { return part(p.Op(i).Origin) }

// part is the first word of an origin: "mounts[2]" and "mounts[3]" are one part.
func part(origin string) string {
	origin = strings.TrimPrefix(origin, "linux.")
	if end := strings.IndexAny(origin, "[."); end >= 0 {
		origin = origin[:end]
	}
	return origin
}

// summary names the calls of a run of operations, each with its number, in the order
// in which they first appear.
func summary(p *prog.Program, from, to int) string {
	var names []string
	count := map[string]int{}
	for i := from; i < to; i++ {
		name := p.Op(i).Call.Name()
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		count[name]++
	}
	for i, name := range names {
		if count[name] > 1 {
			names[i] = fmt.Sprintf("%s×%d", name, count[name])
		}
	}
	if to-from == 1 {
		return p.Op(from).String()
	}
	return strings.Join(names, " ")
}
