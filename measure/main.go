// Command measure reports how readable the code is: the length of files and functions, the width of
// lines, blank lines, how complex functions are, how much of it is tested, and how much of the API
// is described. Run it in the project's root:
//
//	go run ./measure          prints a table
//	go run ./measure -check   prints each line that is too wide, and exits with 1 if there is one
//
// Generated files do not count: those under the standard header, and ent's output.
package main

import (
	"flag"
	"fmt"
	"os"
)

// The bounds that -check holds, in characters; a tab counts as one.
const (
	maxCodeWidth    = 120
	maxCommentWidth = 100
)

func main() {
	check := flag.Bool("check", false, "only look for lines that are too wide")
	flag.Parse()

	code, err := readCode(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(2)
	}

	if *check {
		for _, w := range code.wide {
			fmt.Println(w)
		}

		if len(code.wide) > 0 {
			os.Exit(1)
		}

		return
	}

	api, err := readSchema("schema")
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(2)
	}

	root, err := trackedEntries(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(2)
	}

	report(os.Stdout, code, api, root)
}
