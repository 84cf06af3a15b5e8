package nsexec_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

// TestImageExecutedAgain has the image itself as the user's program, by the path that
// leads to it from inside. The second time it has no report, and ends before it has
// done anything: the directory is made once, and the descriptor is what it was.
func TestImageExecutedAgain(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/proc/self/exe\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	rows := []struct{ name, path string }{
		{"as the entry point", "/proc/self/exe"},
		{"as the interpreter of a script", script},
	}
	for _, row := range rows {
		for _, store := range stores {
			t.Run(row.name+", "+store.String(), func(t *testing.T) {
				needsStore(t, store)
				r, w := pipe(t)
				im := image(t, 3, func(b *prog.Builder, _ prog.FD) {
					b.Add(prog.Op{Call: prog.Write, Args: prog.Args{prog.FD{Num: 1, Name: "stdout"}, prog.Bytes("once "), prog.Int(5)}})
					exec(b, row.path)
				})
				null := fd(null(t), "null")
				p := start(t, nsexec.Config{Image: im, Store: store, Files: []prog.FD{null, fd(w, "stdout"), null}})
				if got := im.Program().Op(p.At()).Call; got != prog.Execve {
					t.Errorf("the program ended at %v, want execve", got)
				}
				if status := wait(t, p); status != exited(125) {
					t.Errorf("status %#x, want exit 125", int(status))
				}
				w.Close()
				text := make([]byte, 64)
				n, err := r.Read(text)
				if err != nil || string(text[:n]) != "once " {
					t.Errorf("written: %q (%v), want what one run writes", text[:n], err)
				}
			})
		}
	}
}

// TestImageOfAContainerExecutedFromOutside is about whoever finds a waiting process in
// /proc and executes what it is: that does nothing either.
func TestImageOfAContainerExecutedFromOutside(t *testing.T) {
	im := image(t, 0, func(b *prog.Builder, control prog.FD) {
		nsexec.EmitSync(b, control, "wait")
		exit(b, 0)
	})
	sync := func(p *nsexec.Process) error {
		again, err := os.StartProcess(procPath(p, "exe"), []string{"again"}, &os.ProcAttr{})
		if err != nil {
			return err
		}
		state, err := again.Wait()
		if err != nil {
			return err
		}
		if state.ExitCode() != 125 {
			t.Errorf("%v, want exit status 125", state)
		}
		return nil
	}
	p := start(t, nsexec.Config{Image: im, Sync: []func(*nsexec.Process) error{sync}})
	if status := wait(t, p); status != exited(0) {
		t.Errorf("status %#x of the first one, want 0: it has nothing to do with the second", int(status))
	}
}
