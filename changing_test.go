package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// named are the files and folders that a page names between backquotes.
var named = regexp.MustCompile("`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.*-]+)+|[A-Za-z0-9_-]+\\.(?:go|md|yml|graphql))`")

func TestThePagesForDevelopersNameFilesThatExist(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"docs/changing.md", "docs/architecture.md", "CONTRIBUTING.md", "SECURITY.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}

		seen := 0
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "*") || strings.HasPrefix(m[1], "/") {
				continue
			}

			seen++
			if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}

		if seen == 0 && page == "docs/changing.md" {
			t.Errorf("%s names no file", page)
		}
	}
}

func TestTheRecipesAreFifteen(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/changing.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(regexp.MustCompile(`(?m)^## \d+\. `).FindAll(text, -1)); n != 15 {
		t.Errorf("there are %d", n)
	}
}
