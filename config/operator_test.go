package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carillon/config"
)

// An operator reads the line and knows what to change, and nobody who reads it learns the secret.
func TestAWrongDatabaseAddressIsToldWithItsCureAndWithoutItsSecret(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}

	for what, tc := range map[string]struct{ url, says string }{
		"a slash in the password":  {"postgres://u:hunter/2@db:5432/x", "percent-encoded (@ is %40, / is %2F"},
		"digits before the slash":  {"postgres://u:12/hunter2@db:5432/x", "percent-encoded"},
		"a lone percent sign":      {"postgres://u:hunter%2@db:5432/x", "% is %25"},
		"a certificate's path":     {"postgres://u:hunter2@db/x?sslmode=verify-full&sslrootcert=/no/ca.pem", "/no/ca.pem"},
		"a file without any in it": {"postgres://u:hunter2@db/x?sslmode=verify-full&sslrootcert=" + empty, "in PEM"},
		"an sslmode":               {"postgres://u:hunter2@db/x?sslmode=on", "verify-full"},
		"the size of the pool":     {"postgres://u:hunter2@db/x?pool_max_conns=5", "DATABASE_CONNECTIONS"},
	} {
		_, err := config.Load([]string{"DATABASE_URL=" + tc.url})
		if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: got %v, want it to say %q and no secret", what, err, tc.says)
		}
	}

	_, err := config.Load([]string{"DATABASE_URL=postgres://u:p%40ss@one:5432,two:5432/x?target_session_attrs=read-write"})
	if err != nil {
		t.Errorf("a right address of two servers is refused: %v", err)
	}
}

// Each secret may come from a file, as orchestrators hand them out.
func TestEachSecretMayStandInAFile(t *testing.T) {
	t.Parallel()
	values := map[string]string{}
	for _, line := range production("FILES_URL=s3://k:s@host/bucket", "SANDBOX_URL=http://sandbox:8090",
		"SANDBOX_APP_SECRET=hunter7", "SMTP_URL=smtp://u:p@mail:587", "OIDC_CLIENT_SECRET=hunter8") {
		name, value, _ := strings.Cut(line, "=")
		values[name] = value
	}

	folder, environ := t.TempDir(), []string{"CARILLON_ENV=production", "MAIL_FROM=a@example.com",
		"SANDBOX_URL=http://sandbox:8090"}
	for _, v := range config.Variables() {
		if !v.Secret {
			continue
		}
		if values[v.Name] == "" {
			t.Fatalf("this test knows no value of %s", v.Name)
		}

		file := filepath.Join(folder, v.Name)
		if err := os.WriteFile(file, []byte(values[v.Name]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}

		environ = append(environ, v.Name+"_FILE="+file)
	}

	c := load(t, environ...)
	for what, pair := range map[string][2]string{
		"database": {c.DatabaseURL, values["DATABASE_URL"]}, "token": {c.WhatsApp.VerifyToken, "hunter6-and-some-more"},
		"sandbox": {c.WhatsApp.SandboxSecret, "hunter7"}, "oidc": {c.OIDC.ClientSecret, "hunter8"},
		"bucket": {c.Files.Bucket, "bucket"}, "mail": {c.SMTP.Host, "mail"}, "app": {c.WhatsApp.AppSecret(), "hunter4"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want what is in its file, %q", what, pair[0], pair[1])
		}
	}
	if c.Redis == nil || len(c.EncryptionKeys) != 2 || c.Embedded() || !c.NamesDatabase() {
		t.Errorf("not every file was read: %v", c)
	}
}

func TestASecretsFileThatCannotBeUsedIsToldByItsPath(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{"empty": "\n", "lines": "hunter2\nhunter3\n",
		"long": strings.Repeat("h", 1<<17)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	for what, tc := range map[string]struct{ name, says string }{
		"a file that is not there": {"missing", "cannot be read: no such file"},
		"a folder":                 {".", "cannot be read: is a directory"},
		"an empty file":            {"empty", "is empty"},
		"several lines":            {"lines", "several lines"},
		"a file of something else": {"long", "more than 65536 bytes"},
	} {
		file := filepath.Join(folder, tc.name)
		_, err := config.Load([]string{"CARILLON_ENV=production", "WHATSAPP_VERIFY_TOKEN_FILE=" + file})
		if err == nil || !strings.Contains(err.Error(), "WHATSAPP_VERIFY_TOKEN_FILE names the file "+file) ||
			!strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "hunter") ||
			strings.Contains(err.Error(), "WHATSAPP_VERIFY_TOKEN is missing") {
			t.Errorf("%s: got %v, want it to say %q", what, err, tc.says)
		}
	}

	_, err := config.Load([]string{"REDIS_URL=redis://a", "REDIS_URL_FILE=" + filepath.Join(folder, "lines")})
	if err == nil || !strings.Contains(err.Error(), "REDIS_URL_FILE is set, and REDIS_URL too") {
		t.Errorf("a secret that is given twice is answered %v", err)
	}
}
