//go:build cgo

package main

import _ "net" // has C in it, so that the program is linked as one with cgo is
