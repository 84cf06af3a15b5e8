// Prove contains itself, and proves from inside that it is a container; then it has its life, and
// is killed at ten moments. Of this module it imports package selfcontain alone.
//
//	prove DATA SELFCONTAIN BUSYBOX [MASTER]
//
// DATA is a directory for the container's data, SELFCONTAIN the command of that name and BUSYBOX a
// static one, and MASTER an interface for an IPvlan.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/selfcontain/runtime/selfcontain"
)

// tools is where the container has the two programs.
const tools = "/mnt/tools"

func main() {
	switch role := os.Args[1]; role {
	case "inside":
		inside(os.Args[2], os.Args[3])
	case "again":
		fmt.Println("again")
	case "exit":
		status, err := strconv.Atoi(os.Args[2])
		check("exit", err)
		os.Exit(status)
	case "signalled":
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		fmt.Println("ready")
		s := (<-c).(syscall.Signal)
		os.Exit(int(s))
	case "stay":
		fmt.Println("ready")
		check("pause", syscall.Pause())
	case "kept":
		text, err := os.ReadFile("/var/lib/kept")
		check("data of before: "+string(text), err)
	case "call": // a caller that is killed, or gets a signal
		err := selfcontain.RunWithArgs(config(os.Args[2], "", ""), os.Args[3:])
		var exit *selfcontain.ExitError
		if errors.As(err, &exit) {
			os.Exit(exit.ExitCode())
		}
		check("call", err)
	default:
		master := ""
		if len(os.Args) > 4 {
			master = os.Args[4]
		}
		outside(role, os.Args[2], os.Args[3], master)
	}
}

func check(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(100)
	}
}

func expect(what string, got, want any) {
	if got != want {
		check(what, fmt.Errorf("it is %v, want %v", got, want))
	}
}

func config(data, shared, master string) *selfcontain.Config {
	c := &selfcontain.Config{Name: "prove", Data: data, Master: master}
	if shared != "" {
		c.Mounts = map[string]string{shared: tools}
	}
	if master != "" {
		c.IP = net.IPNet{IP: net.ParseIP("2001:db8::7"), Mask: net.CIDRMask(64, 128)}
		c.GW, c.DNS = net.ParseIP("2001:db8::1"), []net.IP{net.ParseIP("2001:db8::53")}
	}
	return c
}

// namespaces are those of this process.
func namespaces() string {
	var list []string
	for _, name := range []string{"pid", "mnt", "uts", "ipc", "net", "cgroup"} {
		id, err := os.Readlink("/proc/self/ns/" + name)
		check("namespaces", err)
		list = append(list, id)
	}
	return strings.Join(list, ",")
}

func outside(data, command, busybox, master string) {
	shared, err := os.MkdirTemp("", "prove")
	check("directory", err)
	defer os.RemoveAll(shared)
	for name, from := range map[string]string{"selfcontain": command, "busybox": busybox} {
		program, err := os.ReadFile(from)
		check("tools", err)
		check("tools", os.WriteFile(filepath.Join(shared, name), program, 0o755))
	}
	c := config(data, shared, master)
	check("inside", selfcontain.RunWithArgs(c, []string{"inside", namespaces(), master}))
	fmt.Println("a program proves where it is")

	box, err := selfcontain.Get(c)
	check("Get", err)
	var exit *selfcontain.ExitError
	check("Run", box.Run())
	if err := box.Exec([]string{"exit", "5"}); !errors.As(err, &exit) || exit.Status.ExitStatus() != 5 {
		check("Exec", fmt.Errorf("%w, want the status 5", err))
	}
	check("Start", box.Start([]string{"stay"}))
	name, err := box.GetNS("NEWNET")
	check("GetNS", err)
	_, err = os.Stat(name)
	check("GetNS", err)
	check("Stop", box.Stop())
	check("Start again", box.Start([]string{"stay"}))
	check("what it has kept", box.Exec([]string{"kept"}))
	check("Stop again", box.Stop())
	fmt.Println("stopped and started again, with its data")

	signalled(data)
	fmt.Println("exit status and signals come through")
	killed(data)
	fmt.Println("killed at ten moments")

	for range 2 {
		check("Destroy", box.Destroy())
	}
	if _, err := os.Stat(data); !errors.Is(err, os.ErrNotExist) {
		check("Destroy", fmt.Errorf("%s is left: %w", data, err))
	}
	fmt.Println("nothing is left")
}

// self is this program as the caller of a container.
func self(data string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append([]string{"call", data}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd
}

// ready starts it, and waits until the program inside is there.
func ready(cmd *exec.Cmd) {
	out, err := cmd.StdoutPipe()
	check("pipe", err)
	check("start", cmd.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	expect("what it says", line, "ready\n")
}

func signalled(data string) {
	cmd := self(data, "signalled")
	ready(cmd)
	check("signal", cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait()
	expect("its status", cmd.ProcessState.ExitCode(), int(syscall.SIGTERM))
}

// killed kills callers. The container is gone when nobody has the pipe any more.
func killed(data string) {
	began := time.Now()
	cmd := self(data, "stay")
	ready(cmd)
	whole := time.Since(began)
	check("kill", cmd.Process.Kill())
	_ = cmd.Wait()
	for i := range 10 {
		r, w, err := os.Pipe()
		check("pipe", err)
		cmd := self(data, "stay")
		cmd.Stdin = w
		check("start", cmd.Start())
		w.Close()
		time.Sleep(whole * time.Duration(i) / 8)
		check("kill", cmd.Process.Kill())
		died := time.Now()
		_ = cmd.Wait()
		check("deadline", r.SetReadDeadline(died.Add(time.Second)))
		if _, err := r.Read(make([]byte, 1)); os.IsTimeout(err) {
			check(fmt.Sprintf("killed after %v", whole*time.Duration(i)/8), errors.New("a second later it is still there"))
		}
		r.Close()
	}
	after := self(data, "kept")
	check("the next one gets the name and the data", after.Run())
}

// inside proves that this is a container, and not the place where others is.
func inside(others, master string) {
	there := strings.Split(others, ",")
	for i, own := range strings.Split(namespaces(), ",") {
		if own == there[i] {
			check("namespaces", fmt.Errorf("%s is that of outside", own))
		}
	}
	orphan()
	check("Evacuate", selfcontain.Evacuate())
	limited()
	executable, err := os.Executable()
	check("Executable", err)
	out, err := exec.Command(executable, "again").CombinedOutput()
	check("re-execution: "+string(out), err)
	expect("re-execution", string(out), "again\n")
	nested()
	if master != "" {
		network()
	}
	check("data", os.WriteFile("/var/lib/kept", []byte("kept"), 0o600))
}

// orphan leaves a process to the init.
func orphan() {
	out, err := exec.Command("sh", "-c", "true >/dev/null & echo $!").Output()
	check("orphan", err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	check("orphan", err)
	for began := time.Now(); syscall.Kill(pid, 0) == nil; {
		if time.Since(began) > 5*time.Second {
			check("orphan", errors.New("nobody reaps it"))
		}
	}
}

// limited makes a cgroup with limits, as far as the machine has controllers of version 2.
func limited() {
	const child = "/sys/fs/cgroup/child"
	check("cgroup", os.Mkdir(child, 0o755))
	has, err := os.ReadFile(child + "/cgroup.controllers")
	check("controllers", err)
	for controller, limit := range map[string][2]string{"memory": {"memory.max", "67108864"}, "pids": {"pids.max", "10"}} {
		if !strings.Contains(" "+string(has)+" ", controller) {
			fmt.Printf("the machine does not have the controller %s here\n", controller)
			continue
		}
		check("limit", os.WriteFile(filepath.Join(child, limit[0]), []byte(limit[1]), 0))
		got, err := os.ReadFile(filepath.Join(child, limit[0]))
		check("limit", err)
		expect(limit[0], strings.TrimSpace(string(got)), limit[1])
	}
}

// nested runs busybox in a container of its own, in this one.
func nested() {
	bundle, err := os.MkdirTemp("/var/lib", "bundle")
	check("bundle", err)
	check("rootfs", os.MkdirAll(filepath.Join(bundle, "rootfs/bin"), 0o755))
	busybox, err := os.ReadFile(filepath.Join(tools, "busybox"))
	check("busybox", err)
	check("busybox", os.WriteFile(filepath.Join(bundle, "rootfs/bin/sh"), busybox, 0o755))
	command := filepath.Join(tools, "selfcontain")
	spec := exec.Command(command, "spec")
	spec.Dir = bundle
	out, err := spec.CombinedOutput()
	check("spec: "+string(out), err)
	file := filepath.Join(bundle, "config.json")
	text, err := os.ReadFile(file)
	check("config.json", err)
	// It has a shell with a terminal: an echo without one will do.
	edited := strings.Replace(strings.Replace(string(text), `"terminal": true`, `"terminal": false`, 1), `"sh"`, `"/bin/sh", "-c", "echo nested; exit 6"`, 1)
	check("config.json", os.WriteFile(file, []byte(edited), 0o644))
	run := exec.Command(command, "run", "-b", bundle, "nested")
	out, _ = run.CombinedOutput()
	expect("what is nested says", string(out), "nested\n")
	expect("and its status", run.ProcessState.ExitCode(), 6)
}

// network looks at eth0.
func network() {
	eth0, err := net.InterfaceByName("eth0")
	check("eth0", err)
	addresses, err := eth0.Addrs()
	check("eth0", err)
	if !strings.Contains(fmt.Sprint(addresses), "2001:db8::7/64") {
		check("eth0", fmt.Errorf("it has %v", addresses))
	}
	out, err := exec.Command("ip", "-d", "link", "show", "eth0").CombinedOutput()
	check("ip: "+string(out), err)
	expect("eth0 is an ipvlan", strings.Contains(string(out), "ipvlan"), true)
	out, err = exec.Command("ip", "-6", "route", "show", "default").CombinedOutput()
	check("ip: "+string(out), err)
	expect("its default route", strings.HasPrefix(string(out), "default via 2001:db8::1 dev eth0"), true)
	text, err := os.ReadFile("/etc/resolv.conf")
	check("resolv.conf", err)
	expect("resolv.conf", string(text), "nameserver 2001:db8::53\n")
	fmt.Println("it has an address of its own")
}
