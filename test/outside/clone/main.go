// Command clone prints the kinds of namespaces, the kernel that brought each, and which
// of its own it shares with the process that it is told about.
package main

import (
	"fmt"
	"os"

	"github.com/selfcontain/runtime/clone"
)

func main() {
	var other clone.Namespaces
	for _, t := range clone.NamespaceTypes() {
		if clone.IsNamespaceSupported(t) {
			other.Add(t, "/proc/"+os.Args[1]+"/ns/"+clone.NsName(t))
		}
	}
	for _, ns := range other.Joins() {
		own, err := os.Readlink("/proc/self/ns/" + clone.NsName(ns.Type))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		link, err := os.Readlink(ns.Path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%s since Linux %s, shared: %t\n", ns.Type, ns.Type.Since(), own == link)
	}
}
