package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"carillon/config"
)

// marker stands in docs/configuration.md right before the table.
const marker = "<!-- config table -->"

func TestTheConfigurationPageHoldsTheTable(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}

	_, after, found := strings.Cut(string(page), marker)
	if !found || !strings.HasPrefix(strings.TrimLeft(after, "\n"), config.Table()) {
		t.Errorf("docs/configuration.md: after %s there should stand\n%s", marker, config.Table())
	}
}

func TestExampleHoldsEveryVariable(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}

	shown := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^#?([A-Z][A-Z_]+)=(.*)$`).FindAllStringSubmatch(string(example), -1) {
		shown[m[1]] = m[2]
	}

	for _, v := range config.Variables() {
		value, ok := shown[v.Name]
		if !ok {
			t.Errorf(".env.example lacks %s", v.Name)
		}
		if v.Default != "" && value != v.Default {
			t.Errorf(".env.example has %s=%s, want the default %s", v.Name, value, v.Default)
		}

		delete(shown, v.Name)
	}

	if len(shown) > 0 {
		t.Errorf(".env.example has %v, which nobody reads", shown)
	}
}

func TestExampleCanBeLoaded(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}

	c, err := config.Load(strings.Split(string(example), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !c.Embedded() {
		t.Error("the example as it stands does not start by itself")
	}
}

// TestComposeHandsOnEveryVariable holds that what is written into .env reaches the containers.
// Their address and folder are the image's own.
func TestComposeHandsOnEveryVariable(t *testing.T) {
	t.Parallel()
	compose, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}

	_, block, found := strings.Cut(string(compose), "environment: &environment\n")
	block, _, ended := strings.Cut(block, "\n  volumes:")
	if !found || !ended {
		t.Fatal("docker-compose.yml has no environment")
	}

	handed := map[string]bool{"HTTP_ADDR": true, "DATA_DIR": true}
	for _, m := range regexp.MustCompile(`(?m)^    ([A-Z_]+): (?:&\S+ )?\$\{([A-Z_]+):?-`).
		FindAllStringSubmatch(block, -1) {
		if m[1] != m[2] {
			t.Errorf("%s gets the value of %s", m[1], m[2])
		}

		handed[m[1]] = true
	}

	for _, v := range config.Variables() {
		if !handed[v.Name] {
			t.Errorf("docker-compose.yml does not hand on %s", v.Name)
		}

		delete(handed, v.Name)
	}

	delete(handed, "HTTP_ADDR")
	delete(handed, "DATA_DIR")
	if len(handed) > 0 {
		t.Errorf("docker-compose.yml hands on %v, which nobody reads", handed)
	}
}
