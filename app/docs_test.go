package app_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"carillon/cli"
)

// example is a block of code in a page.
type example struct {
	page, language, text string
	line                 int
}

// pageExamples reads the fenced blocks of README.md and docs/*.md.
func pageExamples(t *testing.T) (all []example) {
	t.Helper()
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}

	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}

		var block *example
		n := 0

		for line := range strings.Lines(string(text)) {
			n++
			fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
			switch {
			case isFence && block == nil:
				block = &example{page: page, language: fence, line: n}
			case isFence:
				all = append(all, *block)
				block = nil
			case block != nil:
				block.text += line
			}
		}
	}

	return all
}

// quickStart runs the program as `go run .` does, and signs in by the key that it prints.
func quickStart(t *testing.T) *service {
	t.Helper()
	s := &service{t: t}
	address := freeAddress(t)
	s.url = "http://" + address
	ctx, stop := context.WithCancel(context.Background())
	out, done := &syncBuffer{}, make(chan error, 1)
	go func() {
		done <- cli.Run(ctx, nil, []string{"HTTP_ADDR=" + address, "DATA_DIR=" + t.TempDir(), "LOG_LEVEL=warn"},
			out, io.Discard)
	}()

	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})

	key := regexp.MustCompile(`API key +(crk_\S+)`)
	s.until("it prints its key", func() bool { return key.MatchString(out.String()) })
	s.token = key.FindStringSubmatch(out.String())[1]

	return s
}

// things are ids of the first organization's, by the names that examples give their variables.
func (s *service) things() map[string]any {
	s.t.Helper()
	var got struct {
		Accounts struct {
			Edges []struct {
				Node struct {
					ID           string
					PhoneNumbers []struct{ ID string }
				}
			}
		}
		Templates, Campaigns, Contacts, ContactLists struct {
			Edges []struct{ Node struct{ ID string } }
		}
	}
	s.ask(`{ accounts { edges { node { id phoneNumbers { id } } } } templates { edges { node { id } } }
		campaigns { edges { node { id } } } contacts(first: 1) { edges { node { id } } }
		contactLists { edges { node { id } } } }`, nil, &got)
	account := got.Accounts.Edges[0].Node

	return map[string]any{
		"account": account.ID, "number": account.PhoneNumbers[0].ID, "template": got.Templates.Edges[0].Node.ID,
		"campaign": got.Campaigns.Edges[0].Node.ID, "id": got.Campaigns.Edges[0].Node.ID, "after": nil,
		"contact": got.Contacts.Edges[0].Node.ID,
		"start":   time.Now().AddDate(0, 0, 3).UTC().Format(time.RFC3339),
		"since":   time.Now().AddDate(0, -2, 0).UTC().Format(time.RFC3339), "until": time.Now().UTC().Format(time.RFC3339),
	}
}

var declaredVariable = regexp.MustCompile(`\$(\w+):`)

// Every GraphQL document and every curl command of the pages is run against the service that
// `go run .` starts.
func TestEveryExampleOfThePagesWorks(t *testing.T) {
	t.Parallel()
	s := quickStart(t)
	things := s.things()
	ran := map[string]int{}

	for _, e := range pageExamples(t) {
		switch {
		case e.language == "graphql":
			ran["graphql"]++
			s.runDocument(e, things)
		case e.language == "sh" && strings.Contains(e.text, "curl "):
			ran["curl"]++
			s.runCommand(e, things)
		}
	}

	if ran["graphql"] < 5 || ran["curl"] < 3 {
		t.Errorf("ran only %v", ran)
	}
}

// runDocument posts a document with the variables that it declares; a subscription is read to its
// first result.
func (s *service) runDocument(e example, things map[string]any) {
	s.t.Helper()
	variables := map[string]any{}
	for _, m := range declaredVariable.FindAllStringSubmatch(e.text, -1) {
		value, known := things[m[1]]
		if !known {
			s.t.Errorf("%s:%d: no value for the variable %q; give it one in this test", e.page, e.line, m[1])
			return
		}

		variables[m[1]] = value
	}

	body, err := json.Marshal(map[string]any{"query": e.text, "variables": variables})
	if err != nil {
		s.t.Fatal(err)
	}

	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}

	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+s.token)
	isStream := strings.HasPrefix(strings.TrimSpace(e.text), "subscription")
	if isStream {
		request.Header.Set("Accept", "text/event-stream")
	}

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}

	defer response.Body.Close()

	var text []byte

	if isStream {
		text = firstData(response.Body)
	} else {
		text, _ = io.ReadAll(response.Body)
	}

	var answer struct{ Errors []json.RawMessage }
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Errors) > 0 ||
		bytes.Contains(text, []byte(`"userErrors":[{`)) {
		s.t.Errorf("%s:%d: %v %s", e.page, e.line, err, text)
	}
}

// firstData is the data of the first result of an event stream.
func firstData(stream io.Reader) []byte {
	lines := bufio.NewScanner(stream)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && data != "" {
			return []byte(data)
		}
	}

	return nil
}

// runCommand runs a shell block with the key and the address of this service, and the ids of its
// account and its number. A stream is cut off
// after a second.
func (s *service) runCommand(e example, things map[string]any) {
	s.t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CARILLON_TEST_REQUIRE_ALL") == "1" {
			s.t.Fatal(err)
		}

		s.t.Logf("NOT TESTED: %s:%d: %v", e.page, e.line, err)
		return
	}

	script := strings.ReplaceAll(e.text, "http://localhost:8080", s.url)
	script = strings.ReplaceAll(script, "curl -sN ", "curl -sN --max-time 1 ")
	command := exec.CommandContext(s.t.Context(), "bash", "-c", script)
	command.Dir = ".." // the pages name files of the project
	command.Env = append(os.Environ(), "KEY="+s.token, fmt.Sprint("ACCOUNT=", things["account"]),
		fmt.Sprint("NUMBER=", things["number"]))
	out, _ := command.CombinedOutput() // curl ends with an error where a stream is cut off
	if len(out) == 0 || bytes.Contains(out, []byte(`"errors"`)) || bytes.Contains(out, []byte(`"userErrors":[{`)) {
		s.t.Errorf("%s:%d: %s", e.page, e.line, out)
	}
}
