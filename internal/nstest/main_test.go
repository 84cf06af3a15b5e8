package nstest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var needs = Needs{
	Tools:   map[string]string{"busybox": "busybox-static"},
	Files:   []string{"doc.go"}, // for TestNeedsAreChecked
	Cgroups: true,
	Users:   []User{{Name: "nstester", ID: 1234, SubID: 200000, SubIDs: 65536}},
}

func TestMain(m *testing.M) { Main(m, needs) }

// leaveEnv makes TestLeave leave something behind in a run of its own.
const leaveEnv = "NSTEST_LEAVE"

func TestLeave(t *testing.T) {
	switch what := os.Getenv(leaveEnv); what {
	case "":
		t.Skip("skipped: run by TestMainFindsWhatIsLeft only")
	case "nothing":
	case "descriptor":
		if _, err := unix.Open("/dev/zero", unix.O_RDONLY, 0); err != nil {
			t.Fatal(err)
		}
	case "child":
		if err := exec.Command("busybox", "sleep", "60").Start(); err != nil {
			t.Fatal(err)
		}
	case "zombie":
		if err := exec.Command("busybox", "true").Start(); err != nil {
			t.Fatal(err)
		}
	case "orphan":
		if err := exec.Command("busybox", "sh", "-c", "busybox sleep 60 </dev/null >/dev/null 2>&1 & exit 0").Run(); err != nil {
			t.Fatal(err)
		}
	case "mount":
		if err := unix.Mount("leak", "/mnt", "tmpfs", 0, ""); err != nil {
			t.Fatal(err)
		}
	case "mount twice": // an equal mount on top of one that is there already
		if err := unix.Mount("/proc", "/proc", "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			t.Fatal(err)
		}
	case "propagation":
		if err := unix.Mount("", "/proc", "", unix.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
	case "cgroup":
		if err := os.Mkdir(os.Getenv("NSTEST_CGROUP"), 0o755); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatalf("%s=%s: unknown", leaveEnv, what)
	}
}

func TestMainFindsWhatIsLeft(t *testing.T) {
	rows := []struct {
		leave string
		root  bool
		want  string
	}{
		{leave: "cgroup", root: true, want: "left behind: cgroup"}, // first: the others would see it
		{leave: "nothing", want: "PASS"},
		{leave: "descriptor", want: "/dev/zero"},
		{leave: "child", want: "(busybox), state S"},
		{leave: "zombie", want: "a zombie: nobody waited for it"},
		{leave: "orphan", want: "orphaned process"},
		{leave: "mount", root: true, want: "mount tmpfs of / on /mnt"},
		{leave: "mount twice", root: true, want: "mount proc of / on /proc"},
		{leave: "propagation", root: true, want: "mount proc of / on /proc"},
	}
	for _, r := range rows {
		t.Run(r.leave, func(t *testing.T) {
			if r.root {
				Root(t)
			}
			if r.leave != "cgroup" {
				t.Parallel()
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestLeave$", "-test.v")
			cmd.Env = append(os.Environ(),
				stageEnv+"=", leaveEnv+"="+r.leave, graceEnv+"=300ms",
				"TMPDIR="+t.TempDir(), // the lock of this run's supervisor is elsewhere
			)
			if r.leave == "cgroup" {
				dir := testGroup(t)
				cmd.Env = append(cmd.Env, "NSTEST_CGROUP="+dir)
				t.Cleanup(func() {
					if err := os.Remove(dir); err != nil {
						t.Error(err)
					}
				})
			}
			out, err := cmd.CombinedOutput()
			if ok := err == nil; ok != (r.leave == "nothing") {
				t.Errorf("the run ended with %v\n%s", err, out)
			}
			if !strings.Contains(string(out), r.want) {
				t.Errorf("the run does not say %q:\n%s", r.want, out)
			}
		})
	}
}
