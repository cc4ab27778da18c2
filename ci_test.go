package main

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// flagsOf are the flags of the tests with the race detector, as a file writes them.
func flagsOf(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	return regexp.MustCompile(`-race -gcflags=\S+ -timeout=[0-9]+m`).FindAllString(string(text), -1)
}

func TestWhatIsRunInCIIsWhatTheReadmeTellsANewcomerToRun(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}

	command := regexp.MustCompile(`(?m)^go test \S+`).Find(readme)
	script, err := os.ReadFile(".ci/run")
	if err != nil {
		t.Fatal(err)
	}

	if command == nil || !regexp.MustCompile(`(?m)^  step "test" .*[^ ]" `+regexp.QuoteMeta(string(command))).
		Match(script) {
		t.Errorf(".ci/run does not run %q, as the README does", command)
	}

	if !regexp.MustCompile(`export CARILLON_TEST_REQUIRE_ALL=1`).Match(script) {
		t.Error(".ci/run lets tests be left out")
	}

	ours, makes := flagsOf(t, ".ci/run"), flagsOf(t, "Makefile")
	if len(ours) != 1 || !slices.Equal(ours, makes) {
		t.Errorf(".ci/run tests with %q, make race with %q", ours, makes)
	}
}
