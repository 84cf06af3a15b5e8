// A module of somebody else's that imports packages of this one, each alone. Its
// programs are built and run by the tests of the directory above.
module example.org/outside

go 1.26.0

require (
	github.com/selfcontain/runtime v0.0.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/go-logr/logr v1.4.3 // indirect
	github.com/moby/sys/mountinfo v0.7.3 // indirect
)

replace github.com/selfcontain/runtime => ../..
