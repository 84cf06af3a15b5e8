package container_test

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/selfcontain/runtime/caps"
	"github.com/selfcontain/runtime/clone"
	"github.com/selfcontain/runtime/container"
	"github.com/selfcontain/runtime/internal/nstest"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestJoinUserNamespace: a second container in the namespaces of a first, by path.
func TestJoinUserNamespace(t *testing.T) {
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		root := rootFSFor(t)
		first, _, err := begin(t, compile(t, with(root, inUser(t), func(s *container.Spec) {
			s.Process.Args = []string{"/bin/sleep", "1000"} // a shell of busybox's is not called so at once
		})))
		if err != nil {
			t.Fatal(err)
		}
		dir := fmt.Sprintf("/proc/%d/ns/", first.Pid())
		types := []clone.NamespaceType{clone.NEWUSER, clone.NEWPID, clone.NEWNET, clone.NEWIPC, clone.NEWUTS, clone.NEWCGROUP}
		script := "id -u; cat /proc/1/comm; touch /dev/shm/x && echo writable"
		want := "0\nsleep\nwritable\n"
		for _, typ := range types {
			script += "; readlink /proc/self/ns/" + clone.NsName(typ)
			link, err := os.Readlink(dir + clone.NsName(typ))
			if err != nil {
				t.Fatal(err)
			}
			want += link + "\n"
		}
		second := with(root, sh(script), func(s *container.Spec) {
			for _, typ := range types {
				s.Namespaces.Add(typ, dir+clone.NsName(typ))
			}
			s.Hostname = ""
			s.Mounts[2].Options = []string{"newinstance", "ptmxmode=0666"} // which groups it has is not known
		})
		if out, _ := run(t, second); out != want {
			t.Errorf("got\n%s\nwant\n%s", out, want)
		}
	})
}

// TestWhoJoinsIsNotTraced has a container whose root has every capability in its user
// namespace, CAP_SYS_PTRACE among them, look at a process that joins it and still holds
// descriptors of the host: it sees the process and learns nothing of it.
func TestWhoJoinsIsNotTraced(t *testing.T) {
	nstest.AnyProcessor(t)
	asEach(t, func(t *testing.T) {
		nstest.UserNS(t)
		root := rootFSFor(t)
		ask, questions := pipes(t)
		answers, say := pipes(t)
		all := caps.UpTo(probe(t).LastCapability)
		first, err := compile(t, with(root, inUser(t), func(s *container.Spec) {
			s.Process.Capabilities = &caps.Config{Bounding: all, Effective: all, Permitted: all}
		}, sh("while read pid; do cat /proc/$pid/comm; ls /proc/$pid/fd && echo seen; echo end; done"))).Start(container.Stdio{In: ask, Out: say, Err: say})
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		ask.Close()
		say.Close()

		dir := fmt.Sprintf("/proc/%d/ns/", first.Pid())
		plan := compile(t, with(root, func(s *container.Spec) {
			for _, typ := range []clone.NamespaceType{clone.NEWUSER, clone.NEWPID} {
				s.Namespaces.Add(typ, dir+clone.NsName(typ))
			}
			s.Mounts, s.MaskedPaths, s.ReadonlyPaths = nil, nil, nil
		}))
		// A word to the outside and a wait for the answer, at several places.
		isPlace := func(op prog.Op) bool {
			return op.Call == prog.Setsid || op.Call == prog.PivotRoot || op.Call == prog.Getcwd || op.Call == prog.Execve
		}
		places := 0
		plan.Child, err = rebuild(plan.Child, func(_ int, op prog.Op) []prog.Op {
			if !isPlace(op) {
				return []prog.Op{op}
			}
			places++
			return []prog.Op{
				{Call: prog.Write, Args: prog.Args{prog.FD{Num: 1}, prog.Bytes("."), prog.Int(1)}},
				{Call: prog.Read, Args: prog.Args{prog.FD{Num: 0}, prog.Buffer("word", 8), prog.Int(1)}},
				op,
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		in, goOn := pipes(t)
		here, out := pipes(t)
		looked, looks := make(chan struct{}), 0
		go func() {
			defer close(looked)
			lines := bufio.NewReader(answers)
			for range places {
				if _, err := here.Read(make([]byte, 1)); err != nil {
					t.Error(err)
					return
				}
				for _, pid := range children(t, os.Getpid()) {
					if inside := numberIn(t, pid, first.Pid()); inside > 1 {
						fmt.Fprintf(questions, "%d\n", inside)
						got := ""
						for !strings.HasSuffix(got, "end\n") {
							line, err := lines.ReadString('\n')
							if err != nil {
								t.Errorf("%v behind %q", err, got)
								return
							}
							got += line
						}
						want := fmt.Sprintf("(selfcontain)\nls: can't open '/proc/%d/fd': Permission denied\nend\n", inside)
						if got != want {
							t.Errorf("it sees\n%s\nwant\n%s", got, want)
						}
						looks++
					}
				}
				if _, err := goOn.Write([]byte(".")); err != nil {
					t.Error(err)
				}
			}
		}()
		second, err := plan.Start(container.Stdio{In: in, Out: out, Err: out})
		out.Close()
		<-looked
		questions.Close()
		if err != nil {
			t.Error(err)
		} else {
			defer second.Close()
			// Before the first one: that ends when nobody is left in its pid namespace.
			if _, err := second.Wait(); err != nil {
				t.Error(err)
			}
		}
		if status, err := first.Wait(); err != nil || status != exited(0) {
			t.Errorf("the first container: %#x, %v", int(status), err)
		}
		if looks != places || places < 4 {
			t.Errorf("it has been looked at in %d of %d places", looks, places)
		}
	})
}

// pipes is a pipe that is closed after the test.
func pipes(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// numberIn is a process's number in the pid namespace of another one that is not it, and
// 0 where it is not in there.
func numberIn(t *testing.T, pid, other int) int {
	t.Helper()
	if pid == other {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Error(err)
		return 0
	}
	_, line, _ := strings.Cut(string(text), "\nNSpid:")
	line, _, _ = strings.Cut(line, "\n")
	words := strings.Fields(line)
	if len(words) < 2 {
		return 0
	}
	n, err := strconv.Atoi(words[len(words)-1])
	if err != nil {
		t.Error(err)
	}
	return n
}
