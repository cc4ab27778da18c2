// Package deploy holds what machines need around Carillon; its tests check that with the programs
// that read it.
package deploy

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"carillon/config"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	return string(text)
}

// write puts a file into a folder of the test's own.
func write(t *testing.T, folder, name, text string) (file string) {
	t.Helper()
	file = filepath.Join(folder, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	return file
}

// certificate is a self-signed one with its key, in PEM.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}

	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}

	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// It holds that files and page say the same.
func TestTheProxyExamplesAreThoseOfThePage(t *testing.T) {
	t.Parallel()
	blanks := regexp.MustCompile(`\s+`)
	page := blanks.ReplaceAllString(read(t, "../docs/operations.md"), " ")
	files, err := filepath.Glob("proxy/*")
	if err != nil || len(files) != 4 {
		t.Fatalf("there are %v, %v", files, err)
	}

	for _, file := range files {
		_, text, _ := strings.Cut(read(t, file), "\n") // without the comment
		if !strings.Contains(page, blanks.ReplaceAllString(text, " ")) {
			t.Errorf("docs/operations.md does not show what %s says", file)
		}
	}
}

// Each proxy reads its example itself.
func TestTheProxiesTakeTheirExamples(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	for program, check := range map[string]func(t *testing.T, folder string) *exec.Cmd{
		"nginx": func(t *testing.T, folder string) *exec.Cmd {
			conf := strings.NewReplacer("/etc/nginx/messages.pem", write(t, folder, "cert.pem", cert),
				"/etc/nginx/messages.key", write(t, folder, "key.pem", key)).Replace(read(t, "proxy/nginx.conf"))
			file := write(t, folder, "nginx.conf", "pid "+folder+"/pid;\nevents {}\nhttp {\naccess_log off;\n"+conf+"}\n")

			return exec.CommandContext(t.Context(), "nginx", "-t", "-q", "-p", folder, "-e", "stderr", "-c", file)
		},
		"haproxy": func(t *testing.T, folder string) *exec.Cmd {
			conf := strings.ReplaceAll(read(t, "proxy/haproxy.cfg"), "/etc/haproxy/messages.pem",
				write(t, folder, "both.pem", cert+key))

			return exec.CommandContext(t.Context(), "haproxy", "-c", "-q", "-f", write(t, folder, "haproxy.cfg", conf))
		},
		"caddy": func(t *testing.T, folder string) *exec.Cmd {
			c := exec.CommandContext(t.Context(), "caddy", "adapt", "--validate", "--config", "proxy/Caddyfile")
			c.Env = []string{"HOME=" + folder, "XDG_DATA_HOME=" + folder, "XDG_CONFIG_HOME=" + folder}

			return c
		},
		"systemd-analyze": func(t *testing.T, folder string) *exec.Cmd {
			unit := strings.ReplaceAll(read(t, "systemd/carillon@.service"), "/usr/local/bin/carillon", "/bin/true")
			file := write(t, folder, "carillon@serve.service", unit)

			return exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", file)
		},
	} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(program); err != nil {
				// Only nginx and HAProxy are small enough to be installed for this alone.
				if os.Getenv("CARILLON_TEST_REQUIRE_ALL") == "1" && (program == "nginx" || program == "haproxy") {
					t.Fatal(err)
				}

				t.Skipf("LEFT OUT: %s is not installed", program)
			}

			if out, err := check(t, t.TempDir()).CombinedOutput(); err != nil {
				t.Errorf("%s refuses its example: %v\n%s", program, err, out)
			}
		})
	}
}

// object is what is looked at of a manifest.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     pod
		}
		Selector any
	}
}

type pod struct {
	SecurityContext struct {
		RunAsNonRoot bool `yaml:"runAsNonRoot"`
	} `yaml:"securityContext"`
	Grace      int `yaml:"terminationGracePeriodSeconds"`
	Containers []struct {
		Args            []string
		SecurityContext struct {
			ReadOnly bool `yaml:"readOnlyRootFilesystem"`
		} `yaml:"securityContext"`
		Readiness struct {
			Get struct{ Path string } `yaml:"httpGet"`
		} `yaml:"readinessProbe"`
		Liveness struct {
			Get struct{ Path string } `yaml:"httpGet"`
		} `yaml:"livenessProbe"`
	}
}

// manifests reads each object of a folder.
func manifests(t *testing.T) (all []object) {
	t.Helper()
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}

	for _, file := range files {
		decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, file))))
		for {
			var o object
			if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}

			all = append(all, o)
		}
	}

	return all
}

// It holds their variables, commands, paths and rights against
// the program. That the fields are Kubernetes' own is not checked.
func TestTheManifestsAskForWhatTheProgramHas(t *testing.T) {
	t.Parallel()
	stop, kinds := map[string]int{"serve": 15, "work": 45}, map[string]int{}
	for _, o := range manifests(t) {
		kinds[o.Kind]++
		if o.Kind == "ConfigMap" {
			checkVariables(t, o.Data)
		}

		p := o.Spec.Template.Spec
		for _, c := range p.Containers {
			role := o.Spec.Template.Metadata.Labels["role"]
			if !slices.Equal(c.Args, []string{role}) || !p.SecurityContext.RunAsNonRoot || !c.SecurityContext.ReadOnly {
				t.Errorf("%s %s: runs %v, as root or on a file system that can be written", o.Kind, o.Metadata.Name, c.Args)
			}
			if o.Kind == "Deployment" && (p.Grace < stop[role] || c.Readiness.Get.Path != "/readyz" ||
				c.Liveness.Get.Path != "/healthz") {
				t.Errorf("%s: %d s to stop, ready at %s, alive at %s", role, p.Grace, c.Readiness.Get.Path, c.Liveness.Get.Path)
			}
		}
	}

	if kinds["Deployment"] != 2 || kinds["Job"] != 1 || kinds["ConfigMap"] != 1 || kinds["Service"] != 1 {
		t.Errorf("the manifests have %v", kinds)
	}
}

// checkVariables has the program read them, with secrets in the place of the mounted files.
func checkVariables(t *testing.T, data map[string]string) {
	t.Helper()
	folder := t.TempDir()
	environ := []string{}
	for name, value := range data {
		if path, is := strings.CutPrefix(value, "/secrets/"); is {
			value = write(t, folder, path, map[string]string{"database-url": "postgres://u:p@db/x", "redis-url": "redis://r",
				"files-url": "s3://k:s@h/b", "encryption-key": "c2l4dGVlbiBieXRlcyBvZiBrZXksIHR3aWNlIG92ZXI=",
				"whatsapp-app-secret":   "0123456789abcdef0123456789abcdef",
				"whatsapp-verify-token": "0123456789abcdef0123456789abcdef"}[path])
		}

		environ = append(environ, name+"="+value)
		known := slices.ContainsFunc(config.Variables(), func(v config.Variable) bool {
			return name == v.Name || v.Secret && name == v.Name+"_FILE"
		})
		if !known {
			t.Errorf("nobody reads %s", name)
		}
	}

	if _, err := config.Load(environ); err != nil {
		t.Errorf("a pod does not start: %v", err)
	}
}
