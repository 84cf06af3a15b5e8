// Package nstest supports tests that make namespaces, mounts and processes.
//
// A package with such tests has one file that says what they need and hands
// the run over:
//
//	var needs = nstest.Needs{
//		Tools: map[string]string{"strace": "strace"}, // program: Debian package
//	}
//
//	func TestMain(m *testing.M) { nstest.Main(m, needs) }
//
// [Main] checks the needs before the first test and, after the last one, that
// nothing was left behind: no descriptor, process, mount or cgroup. Calling
// it is also what makes a package an integration test: `make
// test-integration` runs it on this kernel, and `make test-vm`, unchanged, on
// the kernels of the test bed, where the same needs become flags of
// [github.com/selfcontain/runtime/test/vmrun].
//
// # What Main does
//
// The test binary runs twice. The first process supervises: it is a child
// subreaper (PR_SET_CHILD_SUBREAPER), so that whatever the tests orphan
// becomes its child, is reaped as init would do it, and is counted when the
// tests are over. The second process runs the tests. When root starts it, it
// has a mount namespace of its own in which every mount is shared, as systemd
// sets up a host: a mount that propagates out of a container shows up there
// and nowhere else.
//
// Environment:
//
//	NSTEST_NEEDS=vmrun      print the needs as flags of vmrun and exit
//	NSTEST_NEEDS=packages   print the Debian packages of the needs and exit
//	NSTEST_GUEST=first      this is a guest of the test bed: a kernel module
//	                        that is missing is a failure, not a skip
//	NSTEST_GUEST=again      so is this, and [AnyProcessor] leaves out what
//	                        the first one runs
//	NSTEST_SOAK=1           run what calls [Soak]
//	NSTEST_GRACE=3s         how long leftovers may take to go away
//	NSTEST_STAGE=tests      no supervisor, for debuggers
package nstest
