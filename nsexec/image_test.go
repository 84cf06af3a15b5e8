package nsexec_test

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"flag"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/nsexec"
	"github.com/selfcontain/runtime/nsexec/prog"
)

var update = flag.Bool("update", false, "write testdata/golden.txt anew")

func sha(b []byte) [sha256.Size]byte { return sha256.Sum256(b) }

const goldenFile = "testdata/golden.txt"

// golden is a digest of testdata/golden.txt, whose lines are: what, architecture, digest.
func golden(t *testing.T, what, arch string) string {
	t.Helper()
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == what && f[1] == arch {
			return f[2]
		}
	}
	return ""
}

// fixed is a program with everything that an image can hold: every kind of argument,
// branches in both directions, slots with one place and with many.
func fixed(t testing.TB) *prog.Program {
	return program(t, 3, func(b *prog.Builder, control prog.FD) {
		b.From("tests")
		again, failed := b.Label("again"), b.Label("failed")
		dir, old, maybe := b.Slot("dir"), b.Slot("old"), b.Slot("maybe")
		how := prog.OpenHow(unix.O_PATH|unix.O_CLOEXEC, 0, unix.RESOLVE_IN_ROOT)
		b.Add(prog.Op{Call: prog.Openat2, Args: prog.Args{prog.FD{Num: unix.AT_FDCWD}, prog.Str("/"), how, prog.Int(prog.OpenHowSize)}, Out: dir, OnError: failed})
		b.Bind(again)
		b.Add(prog.Op{Call: prog.Umask, Args: prog.Args{prog.Int(0o22)}, Tolerate: unix.ENOSYS})
		b.Add(prog.Op{Call: prog.Umask, Args: prog.Args{prog.Int(0)}, OnResult: again})
		b.Add(prog.Op{Call: prog.Fchdir, Args: prog.Args{dir}})
		b.Add(prog.Op{Call: prog.Getppid, Out: old})
		b.Add(prog.Op{Call: prog.Close, Args: prog.Args{dir}, OnError: failed})
		result := &prog.Block{Name: "result", Fields: []prog.Field{
			{Name: "old", Size: 8, Value: old}, {Name: "dir", Size: 8, Value: dir}, {Name: "maybe", Size: 8, Value: prog.Maybe{Slot: maybe}},
			{Name: "word", Size: 4, Value: prog.Named{Value: 7, Text: "SEVEN"}}, {Size: 4}, {Name: "text", Size: 8, Value: prog.Str("text")},
			{Name: "bytes", Size: 6, Value: prog.Bytes("bytes")}, {Size: 2}, {Name: "how", Size: 8, Value: prog.Ref{Block: how, Offset: 8}},
		}}
		b.Add(prog.Op{Call: prog.Write, Args: prog.Args{prog.FD{Num: 1}, result, prog.Int(result.Size())}, Out: maybe})
		nsexec.EmitSync(b, control, "the caller's part")
		exec(b, "/bin/true", "with", "arguments")
		b.Bind(failed)
		exit(b, 1)
	})
}

// TestGoldenDigest holds the image of a fixed program against the one that is checked
// in. Who changes it changes every digest that anybody has written down.
func TestGoldenDigest(t *testing.T) {
	if *update {
		updateGolden(t)
	}
	im, err := nsexec.NewImage(fixed(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := golden(t, "image", runtime.GOARCH); im.Digest() != want {
		t.Errorf("digest %s, in %s it is %s; -update writes it anew", im.Digest(), goldenFile, want)
	}
	code, err := nsexec.Code()
	if err != nil {
		t.Fatal(err)
	}
	if sum, want := fmt.Sprintf("%x", sha(code)), golden(t, "interpreter", runtime.GOARCH); sum != want {
		t.Errorf("the interpreter's SHA-256 is %s, in %s it is %s", sum, goldenFile, want)
	}
}

// updateGolden writes the digests for both architectures: the interpreters come out of
// programs that are built for them.
func updateGolden(t *testing.T) {
	t.Helper()
	var out strings.Builder
	for _, arch := range []string{"amd64", "arm64"} {
		bin := filepath.Join(t.TempDir(), "digest")
		goTool(t, []string{"CGO_ENABLED=0", "GOARCH=" + arch}, "build", "-buildvcs=false", "-o", bin, "./testdata/digest")
		text := textSection(t, bin)
		for _, c := range codes {
			fmt.Fprintf(&out, "%s %s %x\n", c.name, arch, sha(codeIn(t, c.symbol, bin, text)))
		}
		im, err := nsexec.ImageFor(fixed(t), arch, codeIn(t, "interp", bin, text))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "image %s %x\n", arch, sha(im))
	}
	if err := os.WriteFile(goldenFile, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSameProgramSameImage(t *testing.T) {
	want := ""
	for range 20 { // a map's order would show
		im, err := nsexec.NewImage(fixed(t))
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = im.Digest()
		}
		if got := im.Digest(); got != want {
			t.Fatalf("digests %s and %s of one program", want, got)
		}
	}
	if want != fmt.Sprintf("%x", sha(mustImage(t).Bytes())) {
		t.Error("Digest is not the SHA-256 of Bytes")
	}
}

func mustImage(t *testing.T) *nsexec.Image {
	t.Helper()
	im, err := nsexec.NewImage(fixed(t))
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// TestBuiltInAnotherDirectory copies what an image is made of elsewhere and builds it
// there.
func TestBuiltInAnotherDirectory(t *testing.T) {
	if _, err := osexec.LookPath("go"); err != nil {
		t.Skipf("skipped: builds programs: %v", err)
	}
	elsewhere := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "clone", "nsexec"} {
		if err := copyTree(filepath.Join("..", name), filepath.Join(elsewhere, name)); err != nil {
			t.Fatal(err)
		}
	}
	var said []string
	for _, dir := range []string{".", filepath.Join(elsewhere, "nsexec")} {
		bin := filepath.Join(t.TempDir(), "digest")
		goTool(t, []string{"CGO_ENABLED=0"}, "build", "-C", dir, "-buildvcs=false", "-o", bin, "./testdata/digest")
		out, err := osexec.CommandContext(t.Context(), bin).Output()
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, string(out))
	}
	if said[0] != said[1] {
		t.Errorf("interpreter and image are\n%sand in another directory\n%s", said[0], said[1])
	}
}

func copyTree(from, to string) error {
	st, err := os.Stat(from)
	if err != nil {
		return err
	}
	if st.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}

func TestImageIsAnELFFile(t *testing.T) {
	for _, arch := range []struct {
		name    string
		machine elf.Machine
	}{{"amd64", elf.EM_X86_64}, {"arm64", elf.EM_AARCH64}} {
		t.Run(arch.name, func(t *testing.T) {
			code, err := nsexec.Code()
			if err != nil {
				t.Fatal(err)
			}
			data, err := nsexec.ImageFor(fixed(t), arch.name, code)
			if err != nil {
				t.Fatal(err)
			}
			f, err := elf.NewFile(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if f.Type != elf.ET_EXEC || f.Machine != arch.machine || f.Class != elf.ELFCLASS64 || f.Data != elf.ELFDATA2LSB {
				t.Errorf("%+v", f.FileHeader)
			}
			var entry, stack bool
			var end uint64
			for _, p := range f.Progs {
				if p.Flags&elf.PF_W != 0 && p.Flags&elf.PF_X != 0 {
					t.Errorf("a segment is both writable and executable: %+v", p.ProgHeader)
				}
				if p.Off+p.Filesz > uint64(len(data)) {
					t.Errorf("a segment ends behind the file of %d bytes: %+v", len(data), p.ProgHeader)
				}
				switch p.Type {
				case elf.PT_LOAD:
					if p.Vaddr < end {
						t.Errorf("a segment begins at %#x, the one before ends at %#x", p.Vaddr, end)
					}
					end = p.Vaddr + p.Memsz
					if (p.Vaddr-p.Off)%(64<<10) != 0 {
						t.Errorf("address and offset differ modulo the largest page: %+v", p.ProgHeader)
					}
					if f.Entry >= p.Vaddr && f.Entry < p.Vaddr+p.Filesz {
						entry = p.Flags == elf.PF_R|elf.PF_X
						if !bytes.HasPrefix(data[p.Off+f.Entry-p.Vaddr:], code) {
							t.Error("the interpreter is not at the entry point")
						}
					}
				case elf.PT_GNU_STACK:
					stack = p.Flags == elf.PF_R|elf.PF_W
				case elf.PT_INTERP, elf.PT_DYNAMIC:
					t.Errorf("not static: %+v", p.ProgHeader)
				}
			}
			if !entry || !stack {
				t.Errorf("entry point in a segment r-x: %v; a stack rw-: %v", entry, stack)
			}
		})
	}
}

// TestMemoryOfAWaitingImage reads /proc/PID/maps: text, data, report and stack, each as
// it should be, and beside them what the kernel maps into every process.
func TestMemoryOfAWaitingImage(t *testing.T) {
	for _, store := range stores {
		t.Run(store.String(), func(t *testing.T) {
			needsStore(t, store)
			waiting(t, store, func(p *nsexec.Process) {
				maps, err := os.ReadFile(procPath(p, "maps"))
				if err != nil {
					t.Error(err)
					return
				}
				want := map[string]string{"10000000": "r-xp", "20001000": "rw-p", "30000000": "rw-s"}
				stack := false
				for line := range strings.Lines(string(maps)) {
					f := strings.Fields(line)
					if strings.Contains(f[1], "w") && strings.Contains(f[1], "x") {
						t.Errorf("both writable and executable: %s", line)
					}
					start, _, _ := strings.Cut(f[0], "-")
					if mode, ok := want[start]; ok && mode != f[1] {
						t.Errorf("want %s: %s", mode, line)
					}
					delete(want, start)
					stack = stack || f[len(f)-1] == "[stack]" && f[1] == "rw-p"
				}
				if len(want) != 0 || !stack {
					t.Errorf("missing: %v, stack rw-: %v", want, stack)
				}
			})
		})
	}
}

// TestImageSize keeps an image the size of what is in it: a page for headers and
// interpreter, and a record for each operation.
func TestImageSize(t *testing.T) {
	rows := []struct{ ops, most int }{{10, 12 << 10}, {100, 24 << 10}, {251, 36 << 10}}
	for _, row := range rows {
		im := image(t, 0, func(b *prog.Builder, _ prog.FD) {
			for b.Len() < row.ops-1 {
				name := fmt.Sprintf("/a/path/of/ordinary/length/%d", b.Len())
				b.Add(prog.Op{Call: prog.Mkdirat, Args: prog.Args{prog.FD{Num: unix.AT_FDCWD}, prog.Str(name), prog.Int(0o755)}})
			}
			exit(b, 0)
		})
		if n := len(im.Bytes()); n > row.most {
			t.Errorf("%d operations take %d bytes, want at most %d", row.ops, n, row.most)
		}
	}
}

func TestWaitingProcessIsSmall(t *testing.T) {
	waiting(t, nsexec.StoreAuto, func(p *nsexec.Process) {
		status, err := os.ReadFile(procPath(p, "status"))
		if err != nil {
			t.Error(err)
			return
		}
		kib := 0
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				if _, err := fmt.Sscan(rest, &kib); err != nil {
					t.Error(err)
				}
			}
		}
		if most := 64 * os.Getpagesize() / 4096; kib == 0 || kib > most {
			t.Errorf("%d KiB resident, want at most %d", kib, most)
		}
	})
}
