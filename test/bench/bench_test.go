//go:build linux

package main

import (
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestMedianOf(t *testing.T) {
	upTo := func(n int) (s []float64) {
		for i := n; i >= 1; i-- {
			s = append(s, float64(i))
		}
		return s
	}
	for _, row := range []struct {
		sentence string
		samples  []float64
		want     interval
	}{
		{"one sample is its own interval", upTo(1), interval{1, 1, 1}},
		{"an even number has its median between the two in the middle", upTo(4), interval{2.5, 1, 4}},
		{"of five the whole range is not yet 95 %, and is all there is", upTo(5), interval{3, 1, 5}},
		// The ranks for these sizes are in every table of the sign test.
		{"of ten the second and the ninth enclose the median", upTo(10), interval{5.5, 2, 9}},
		{"of twenty the sixth and the fifteenth do", upTo(20), interval{10.5, 6, 15}},
		{"of a hundred the fortieth and the sixty-first do", upTo(100), interval{50.5, 40, 61}},
	} {
		if got := medianOf(row.samples); got != row.want {
			t.Errorf("%s: got %v, want %v", row.sentence, got, row.want)
		}
	}
	if got := medianOf(nil); !math.IsNaN(got.Median) {
		t.Errorf("no sample has no median: got %v", got)
	}
}

func TestIntervalHoldsTheTrueMedian(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const repeats = 2000
	for _, n := range []int{11, 60, 2500} { // 2^-2500 is no float64
		held := 0
		for range repeats {
			samples := make([]float64, n)
			for i := range samples {
				samples[i] = r.ExpFloat64() // skewed, as times are; its median is ln 2
			}
			if m := medianOf(samples); m.Low <= math.Ln2 && math.Ln2 <= m.High {
				held++
			}
		}
		if share := float64(held) / repeats; share < 0.94 || share > 0.99 {
			t.Errorf("of %d samples: the interval held the median in %.1f %% of the trials, want about 95", n, 100*share)
		}
	}
}

func TestRatioIsTakenPairByPair(t *testing.T) {
	// A machine that becomes ten times slower half-way changes both medians but no ratio.
	p := &pair{}
	for i := range 20 {
		slow := time.Duration(1)
		if i >= 10 {
			slow = 10
		}
		p.oursTook = append(p.oursTook, slow*3*time.Millisecond)
		p.peerTook = append(p.peerTook, slow*6*time.Millisecond)
	}
	if r := p.ratio(); r != (interval{0.5, 0.5, 0.5}) {
		t.Errorf("got %v, want 0.5 throughout", r)
	}
}

func TestSampleLeavesOutWhatFails(t *testing.T) {
	works := contestant{name: "works", run: func() (time.Duration, error) { return 1, nil }}
	calls := 0
	failsOnce := contestant{name: "fails once", run: func() (time.Duration, error) {
		if calls++; calls == 1 {
			return 0, io.ErrUnexpectedEOF
		}
		return 1, nil
	}}
	pairs := []*pair{{ours: works, peer: works}, {ours: works, peer: failsOnce}, {missing: io.EOF}}
	sample(pairs, 5, 0)
	if n := len(pairs[0].oursTook); n != 5 {
		t.Errorf("a working pair has %d samples of 5 rounds", n)
	}
	if pairs[1].err == nil || len(pairs[1].oursTook) != 0 {
		t.Errorf("a failing pair has error %v and %d samples, want an error and none", pairs[1].err, len(pairs[1].oursTook))
	}
	if err := (&table{pairs: pairs}).verdict(""); err == nil || !strings.Contains(err.Error(), io.ErrUnexpectedEOF.Error()) {
		t.Errorf("the run ends with %v, want the failure", err)
	}
	if err := (&table{pairs: pairs[2:]}).verdict(""); err != nil {
		t.Errorf("a peer that is not installed ends the run with %v", err)
	}
}

func TestMet(t *testing.T) {
	for _, row := range []struct {
		sentence   string
		value      float64
		reach, aim float64
		want       string
	}{
		{"better than the aim", 0.5, 0.7, 0.55, metAim},
		{"between the two", 0.6, 0.7, 0.55, metReach},
		{"worse than both", 0.8, 0.7, 0.55, metNone},
		{"no goal", 0.8, 0, 0, ""},
		{"no aim", 0.8, 0.9, 0, metReach},
	} {
		if got := met(row.value, row.reach, row.aim); got != row.want {
			t.Errorf("%s: got %q, want %q", row.sentence, got, row.want)
		}
	}
}

func TestMinimumFailsTheRun(t *testing.T) {
	row := &pair{name: "row", reach: 0.7, aim: 0.5, oursTook: []time.Duration{6}, peerTook: []time.Duration{10}}
	tab := &table{pairs: []*pair{row}}
	for minimum, fails := range map[string]bool{"": false, metReach: false, metAim: true} {
		if err := tab.verdict(minimum); (err != nil) != fails {
			t.Errorf("-min %q with ratio 0.6 of 0.7 and 0.5: %v", minimum, err)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, row := range []struct {
		sentence, args, want string
	}{
		{"an unknown peer is refused by name", "-peers docker", `no peer "docker"`},
		{"no rounds are refused", "-rounds 0", "-rounds 0"},
		{"fewer containers than none are refused", "-many -1", "-many -1"},
		{"an unknown column is refused", "-min best", `-min "best"`},
		{"an argument is refused", "extra", `"extra"`},
	} {
		_, err := parse(strings.Fields(row.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %s", row.sentence, err, row.want)
		}
	}
	if o, err := parse(nil, io.Discard); err != nil || len(o.peers) != len(peers()) {
		t.Errorf("the default is all peers: got %v, %v", o.peers, err)
	}
}

func TestBundleIsTheSameForEveryRuntime(t *testing.T) {
	if _, err := findBusybox(); err != nil {
		t.Skip(err)
	}
	b, err := makeBundle(t.TempDir(), "/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"selfcontain": oursArgs(place{exe: "x", state: "s"}, b, "id"),
		"crun":        crunArgs(place{exe: "x", state: "s"}, b, "id"),
		"runc":        runcArgs(place{exe: "x", state: "s"}, b, "id"),
	} {
		if line := strings.Join(args, " "); !strings.Contains(line, " run ") || !strings.HasSuffix(line, "--bundle "+b.dir+" id") {
			t.Errorf("%s: %s", name, line)
		}
	}
	bwrap := strings.Join(bwrapArgs(place{exe: "bwrap", sys: "/clean/sys"}, b, ""), " ")
	for _, want := range []string{"--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup",
		"--ro-bind " + b.rootfs() + " /", "--proc /proc", "--dev /dev", "--tmpfs /dev/shm", "--mqueue /dev/mqueue",
		"--ro-bind /clean/sys /sys", "--ro-bind /sys/fs/cgroup /sys/fs/cgroup", "--cap-drop ALL", "-- /bin/true",
		"--ro-bind /proc/sys /proc/sys"} {
		if !strings.Contains(bwrap, want) {
			t.Errorf("bwrap does without %s:\n%s", want, bwrap)
		}
	}
	for _, m := range b.spec.Mounts {
		if !strings.Contains(bwrap, " "+m.Destination) && m.Type != "devpts" {
			t.Errorf("bwrap does not mount %s", m.Destination)
		}
	}
}
