package main

// #cgo LDFLAGS: -lpthread
// #include <pthread.h>
// #include <stdlib.h>
// #include <string.h>
//
// static void *churn(void *unused) {
// 	for (unsigned i = 0;; i++) {
// 		size_t n = 16 + i % 100000;
// 		unsigned char *p = malloc(n);
// 		if (!p) abort();
// 		memset(p, i, n);
// 		for (size_t at = 0; at < n; at += 997)
// 			if (p[at] != (unsigned char)i) abort();
// 		free(p);
// 	}
// 	return NULL;
// }
//
// static int startChurn(void) {
// 	pthread_t t;
// 	for (int i = 0; i < 2; i++)
// 		if (pthread_create(&t, NULL, churn, NULL) != 0) return -1;
// 	return 0;
// }
//
// static int calls(int n) { return n + 1; }
import "C"

// The program has threads that Go does not know, which allocate and free all the time,
// and goroutines that are inside C.
var _ = func() int {
	if C.startChurn() != 0 {
		panic("pthread_create failed")
	}
	go func() {
		for n := C.int(0); ; n = C.calls(n) & 0xffff {
		}
	}()
	return 0
}()
