// Command load is all of the API's bench that must be cheap: the upstream that answers at once, the bare proxy, the
// clients, and the guard that ends a program with the bench.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "upstream":
		return serveUpstream()
	case len(args) == 2 && args[0] == "proxy":
		return serveProxy(args[1])
	case len(args) == 1 && args[0] == "client":
		return serveClient(os.Stdin, os.Stdout)
	case len(args) > 1 && args[0] == "guard":
		return guard(args[1:])
	}
	return fmt.Errorf("usage: load upstream | proxy URL | client | guard COMMAND…")
}
