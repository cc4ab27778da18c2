package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport says which of our packages each package may import. The root builds everything and may
// import all. Base packages stand below: whoever is listed may also import those.
var mayImport = map[string][]string{
	"app": {"console", "download", "export", "webhook", "outbound", "reconciliation",
		"filestore", "privacy", "graph", "graph/transport", "graph/graphiql",
		"metawebhook",
		"worker", "operator", "identity", "account",
		"audience", "media",
		"campaign", "transactional", "delivery", "hub", "whatsapp", "whatsapp/sandbox", "mail", "outbox",
		"notification", "oidc", "ratelimit",
		"redisclient", "clientip", "config", "telemetry", "pricing", "database", "ent", "demo", "examples"},
	"cli": {"audit", "app", "demo", "whatsapp/sandbox", "config", "telemetry", "database", "identity", "operator",
		"audience", "pricing", "ent"},
	"examples": {},
	"graph": {"download", "export", "webhook", "reconciliation", "privacy", "operator", "identity", "account",
		"audience", "media", "campaign", "transactional",
		"delivery", "hub", "spreadsheet", "whatsapp", "ratelimit", "pricing", "database", "ent",
		"graph/transport"},
	"graph/generated": {"graph/model", "graph/scalar", "ent", "identity", "audience", "campaign", "delivery", "whatsapp",
		"operator", "pricing"},
	"graph/model":     {"ent", "identity", "audience", "campaign", "delivery", "operator", "whatsapp", "pricing"},
	"graph/scalar":    {},
	"graph/transport": {},
	"graph/graphiql":  {"packed"},
	"console":         {"packed"},
	"packed":          {},
	"worker":          {"campaign", "delivery", "account", "audience", "whatsapp", "ent"},
	"metawebhook":     {"account", "audience", "campaign", "delivery", "whatsapp", "database", "ent"},
	"campaign": {"audit", "delivery", "account", "audience", "notification", "identity", "webhook", "whatsapp", "pricing",
		"database", "ent"},
	"transactional": {"audit", "delivery", "account", "audience", "identity", "whatsapp", "database", "ent"},
	"operator":      {"audit", "identity", "account", "campaign", "delivery", "database", "ent"},
	"delivery":      {"database", "ent", "whatsapp", "pricing"},
	"pricing":       {"database", "ent"},
	"privacy":       {"audit", "audience", "delivery", "identity", "database", "ent"},
	"account":       {"audit", "whatsapp", "notification", "identity", "webhook", "database", "ent"},
	"notification":  {"identity", "outbox", "database", "ent"},
	"outbox":        {"mail", "database"},
	"download":      {"audience", "export", "database", "ent"},
	"export": {"account", "audit", "audience", "delivery", "filestore", "identity", "notification", "pricing",
		"spreadsheet", "webhook", "whatsapp", "database", "ent"},
	"webhook":          {"audit", "identity", "notification", "delivery", "outbound", "whatsapp", "database", "ent"},
	"outbound":         {},
	"reconciliation":   {"account", "delivery", "pricing", "whatsapp", "database", "ent"},
	"filestore":        {},
	"media":            {"audit", "account", "identity", "whatsapp", "database", "ent"},
	"audience":         {"audit", "notification", "identity", "delivery", "webhook", "spreadsheet", "database", "ent"},
	"spreadsheet":      {},
	"identity":         {"audit", "outbox", "database", "ent", "oidc"},
	"audit":            {"database", "ent"},
	"mail":             {},
	"database":         {"ent"},
	"ent/schema":       {},
	"whatsapp":         {},
	"whatsapp/sandbox": {"whatsapp"},
	"hub":              {},
	"ratelimit":        {},
	"clientip":         {},
	"redisclient":      {},
	"oidc":             {},
	"config":           {},
	"telemetry":        {},
	"secret":           {},
	"demo":             {},
	"ent/jsonfield":    {},
	"ent/enum":         {},
	"usererror":        {},
	"caller":           {},
	"uid":              {},
	"timezone":         {},
}

// base packages are words, not parts: ids, tenancy, faults, enums, JSON columns, sealed secrets,
// names of time zones.
var base = []string{"uid", "caller", "usererror", "ent/enum", "ent/jsonfield", "secret", "timezone"}

// lean packages know nothing of ours at all, but for what is listed.
var lean = map[string][]string{
	"whatsapp": {}, "mail": {}, "config": {}, "telemetry": {}, "ratelimit": {}, "clientip": {}, "redisclient": {},
	"oidc": {}, "secret": {}, "timezone": {}, "ent/enum": {}, "usererror": {}, "demo": {}, "graph/transport": {},
	"graph/graphiql": {"packed"}, "console": {"packed"}, "packed": {},
	"spreadsheet": {}, "filestore": {}, "outbound": {},
	"hub": {"uid"}, "uid": {}, "caller": {"uid"}, "ent/jsonfield": {"ent/enum", "uid"},
	"whatsapp/sandbox": {"whatsapp"},
}

func TestPackagesImportOnlyWhatTheTableAllows(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "testdata") {
			return filepath.SkipDir
		}

		folder := filepath.ToSlash(filepath.Dir(path))
		generated := strings.HasPrefix(folder, "ent") && folder != "ent/schema" && folder != "ent/enum" &&
			folder != "ent/jsonfield"
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || folder == "." ||
			generated || isProgram(t, path) {
			return nil
		}

		checkImports(t, folder, path)

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkImports(t *testing.T, folder, path string) {
	t.Helper()
	if strings.Contains(folder, "test") {
		return // what only tests import may import what it needs
	}

	allowed, known := mayImport[folder]
	if !known {
		t.Errorf("%s: package %s is not in the table of imports_test.go", path, folder)
		return
	}

	if few, is := lean[folder]; is {
		allowed = few
	} else {
		allowed = append(slices.Clone(allowed), base...)
	}

	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}

	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		ours, is := strings.CutPrefix(name, "carillon/")
		if !is || ours == folder || strings.HasPrefix(ours, "ent/") && slices.Contains(allowed, "ent") ||
			folder == "ent/schema" && ours == "ent/privacy" || folder == "graph" && strings.HasPrefix(ours, "graph/") {
			continue
		}

		if !slices.Contains(allowed, ours) {
			t.Errorf("%s imports %s, which %s may not", path, ours, folder)
		}
	}
}

func isProgram(t *testing.T, path string) bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}

	return file.Name.Name == "main"
}
