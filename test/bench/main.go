//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

type options struct {
	selfcontain string
	rounds      int
	pause       time.Duration
	peers       []string
	rows        string
	least       bool
	many        int
	json        string
	min         string
}

// errBadFlags: the flag package has already told the user.
var errBadFlags = errors.New("bad flags")

func main() {
	var err error
	switch arg := append(os.Args, "")[1]; arg {
	case insideArg:
		err = inside(os.Args[2], os.Args[3:])
	case warmArg:
		err = serveWarm(os.Args[2], os.Args[3])
	default:
		err = outside(os.Args[1:])
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errBadFlags):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string, out io.Writer) (options, error) {
	o := options{}
	var peers string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.selfcontain, "selfcontain", "bin/selfcontain", "the `program` to measure")
	flags.IntVar(&o.rounds, "rounds", 400, "pairs measured for each row")
	flags.DurationVar(&o.pause, "pause", 5*time.Millisecond, "sleep before each run, for what the kernel still has to free")
	flags.StringVar(&peers, "peers", strings.Join(peerNames(), ","), "peers to compare with, comma-separated")
	flags.StringVar(&o.rows, "rows", "", "only rows with this `text` in their name")
	flags.BoolVar(&o.least, "least", false, "measure only in how little memory a container starts")
	flags.IntVar(&o.many, "many", 0, "measure only what this `number` of containers cost that live at once")
	flags.StringVar(&o.json, "json", "", "also write every sample to this `file`")
	flags.StringVar(&o.min, "min", "", "fail when a ratio misses this `column`: reach or aim")
	if err := flags.Parse(args); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			err = errBadFlags
		}
		return o, err
	}
	if peers != "" {
		o.peers = strings.Split(peers, ",")
	}
	switch {
	case flags.NArg() != 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.rounds < 1:
		return o, fmt.Errorf("-rounds %d: at least one is needed", o.rounds)
	case o.many < 0:
		return o, fmt.Errorf("-many %d: a number of containers is needed", o.many)
	case o.min != "" && o.min != metReach && o.min != metAim:
		return o, fmt.Errorf("-min %q: want reach or aim", o.min)
	}
	for _, name := range o.peers {
		if _, ok := findPeer(name); !ok {
			return o, fmt.Errorf("-peers: no peer %q, there are %s", name, strings.Join(peerNames(), ", "))
		}
	}
	return o, nil
}
