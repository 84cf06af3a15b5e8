package selfcontain_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/selfcontain/runtime/selfcontain"
)

// exit exits with a status.
func exit(args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return failure(err)
	}
	return n
}

// echo prints its arguments.
func echo(args []string) int {
	fmt.Println(strings.Join(args, " "))
	return 0
}

// write writes files, and read looks for them.
func write(args []string) int {
	for _, name := range args {
		if err := os.WriteFile(name, []byte(name), 0o644); err != nil {
			return failure(err)
		}
	}
	return 0
}

func read(args []string) int {
	for _, name := range args {
		if text, err := os.ReadFile(name); err != nil || string(text) != name {
			return failure(fmt.Errorf("%s: %q, %v", name, text, err))
		}
	}
	return 0
}

// hold says that it is there and stays, with a child that stays as well.
func hold(args []string) int {
	if len(args) == 0 {
		child := exec.Command("/proc/self/exe", "hold", "child")
		child.Stdin = os.Stdin
		if err := child.Start(); err != nil {
			return failure(err)
		}
		fmt.Println("here")
	}
	return status(unix.Pause())
}

// signalled says that it is there, and exits with the number of the signal that it gets.
func signalled([]string) int {
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGTERM, unix.SIGUSR1)
	fmt.Println("here")
	return int((<-c).(unix.Signal))
}

// orphan leaves a child that ends, and sees whether somebody reaps it.
func orphan([]string) int {
	pid, err := strconv.Atoi(strings.TrimSpace(output("sh", "-c", "true >/dev/null & echo $!")))
	if err != nil {
		return failure(err)
	}
	for deadline := time.Now().Add(5 * time.Second); !errors.Is(unix.Kill(pid, 0), unix.ESRCH); {
		if time.Now().After(deadline) {
			return failure(fmt.Errorf("nobody reaps %d", pid))
		}
	}
	return 0
}

// extras looks whether a block device may be opened, whatever comes of that, and for CAP_SYS_TIME. The
// exit status is 0 for both and 1 for neither.
func extras(args []string) int {
	fd, err := unix.Open(args[0], unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	device := !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOENT)
	var sets [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &sets[0]); err != nil {
		return failure(err)
	}
	switch time := sets[0].Effective&(1<<unix.CAP_SYS_TIME) != 0; {
	case device && time:
		return 0
	case !device && !time:
		return 1
	}
	return failure(fmt.Errorf("device: %v", err))
}

// output is what a program prints, and what has gone wrong.
func output(name string, args ...string) string {
	text, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s%v", text, err)
	}
	return string(text)
}

// proof is what a program says of where it is.
type proof struct {
	PID                   int
	Init, Hostname        string
	Namespaces            map[string]string
	Executable, Again     string
	Evacuated             string
	Controllers, Children string
	Cgroup                string
	ProgramMount          string
	OwnSysctl             string
	Disk                  string
	Devices               []string
	Types                 map[string]string // of the file systems on which directories lie
	Tmp, Run, VarLib      []string
	Interfaces            []string
	Environment           string
	Data                  []string
}

// prove prints one. Its argument is the directory of the container's data, on the machine.
func prove(args []string) int {
	p := proof{PID: os.Getpid(), Namespaces: namespaces(), Types: map[string]string{}, Environment: os.Getenv("PROOF")}
	p.Init = strings.TrimSpace(contents("/proc/1/comm"))
	p.Hostname, _ = os.Hostname()
	p.Executable, _ = os.Executable()
	p.Again = output(p.Executable, "echo", "again")
	p.Evacuated = fmt.Sprint(selfcontain.Evacuate(), selfcontain.Evacuate())
	p.Controllers = strings.TrimSpace(contents("/sys/fs/cgroup/cgroup.controllers"))
	err := os.Mkdir("/sys/fs/cgroup/child", 0o755)
	p.Children = strings.TrimSpace(contents("/sys/fs/cgroup/child/cgroup.controllers"))
	for file, value := range map[string]string{"memory.max": "67108864", "pids.max": "10"} {
		if controller, _, _ := strings.Cut(file, "."); strings.Contains(p.Children, controller) {
			err = errors.Join(err, os.WriteFile("/sys/fs/cgroup/child/"+file, []byte(value), 0))
		}
	}
	if err != nil {
		p.Children += err.Error()
	}
	for line := range strings.Lines(contents("/proc/self/cgroup")) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			p.Cgroup = strings.TrimSpace(path)
		}
	}
	var program unix.Statfs_t
	err = unix.Statfs(p.Executable, &program)
	p.ProgramMount = fmt.Sprintf("ro=%v nosuid=%v %v", program.Flags&unix.ST_RDONLY != 0, program.Flags&unix.ST_NOSUID != 0, err)
	p.OwnSysctl = fmt.Sprint(os.WriteFile("/proc/sys/net/ipv4/ip_default_ttl", []byte("77"), 0)) + " " + strings.TrimSpace(contents("/proc/sys/net/ipv4/ip_default_ttl"))
	err = unix.Mknod("/disk", unix.S_IFBLK|0o600, int(unix.Mkdev(7, 0)))
	if err == nil {
		_, err = unix.Open("/disk", unix.O_RDONLY|unix.O_NONBLOCK, 0)
		os.Remove("/disk")
	}
	p.Disk = fmt.Sprint(err)
	for _, name := range []string{"/dev/fuse", "/dev/kmsg", "/dev/null"} {
		var st unix.Stat_t
		if err := unix.Stat(name, &st); err == nil {
			p.Devices = append(p.Devices, fmt.Sprintf("%s %d:%d %o", name, unix.Major(st.Rdev), unix.Minor(st.Rdev), st.Mode))
		}
	}
	for _, dir := range []string{"/", "/etc", "/var/lib", "/proc", "/sys", "/dev", "/run", "/tmp", "/sys/fs/cgroup"} {
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err == nil {
			p.Types[dir] = types[int64(st.Type)]
		}
	}
	p.Tmp, p.Run, p.VarLib, p.Interfaces, p.Data = list("/tmp"), list("/run"), list("/var/lib"), list("/sys/class/net"), list(args[0])
	if err := json.NewEncoder(os.Stdout).Encode(p); err != nil {
		return failure(err)
	}
	return 0
}

var types = map[int64]string{
	unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.TMPFS_MAGIC: "tmpfs", unix.PROC_SUPER_MAGIC: "proc", unix.SYSFS_MAGIC: "sysfs",
	unix.CGROUP2_SUPER_MAGIC: "cgroup2",
}

func contents(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func list(dir string) (names []string) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return []string{err.Error()}
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

// namespaces are those of this process.
func namespaces() map[string]string {
	m := map[string]string{}
	for _, name := range []string{"pid", "mnt", "uts", "ipc", "net", "cgroup", "user"} {
		m[name], _ = os.Readlink(filepath.Join("/proc/self/ns", name))
	}
	return m
}

// nested contains itself once more, in its container.
func nested(args []string) int {
	out, in, err := os.Pipe()
	if err != nil {
		return failure(err)
	}
	stdout := os.Stdout
	os.Stdout = in
	c := &selfcontain.Config{Name: "nested", Data: "/var/lib/nested"}
	err = selfcontain.RunWithArgs(c, args)
	os.Stdout = stdout
	in.Close()
	text, _ := io.ReadAll(bufio.NewReader(out))
	fmt.Printf("nested: %s", text)
	if code := status(err); code != 0 {
		return code
	}
	if _, err := selfcontain.Get(&selfcontain.Config{Name: "other", Data: "/root/other"}); err == nil || !strings.Contains(err.Error(), "lies on an overlay") {
		return failure(fmt.Errorf("data on an overlay: %v", err))
	}
	again, err := selfcontain.Get(c)
	if err == nil {
		err = again.Destroy()
	}
	return status(err)
}
