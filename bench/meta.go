package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"carillon/whatsapp/sandbox"
)

// anyRate is the throughput of a number that is to be as fast as it can.
const anyRate = 100_000

// meta is a sandbox in this process, for what only it can tell.
type meta struct {
	*sandbox.Sandbox
	url  string
	stop context.CancelFunc
	over chan struct{}
}

func startMeta(ctx context.Context, o sandbox.Options) (*meta, error) {
	o.AppID, o.AppSecret, o.VerifyToken = "1", appSecret, verifyToken
	s, err := sandbox.New(o)
	if err != nil {
		return nil, err
	}

	s.AddAccount(sandbox.AccountSpec{WABAID: waba, Name: "Lucky Shrub", Token: token, Numbers: []sandbox.NumberSpec{
		{ID: metaNumber, DisplayNumber: "+1 202-555-0199", VerifiedName: "Lucky Shrub", Throughput: o.Throughput}}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}

	m := &meta{Sandbox: s, url: "http://" + listener.Addr().String(), over: make(chan struct{})}
	ctx, m.stop = context.WithCancel(context.WithoutCancel(ctx))
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	var g errgroup.Group
	g.Go(func() error { return s.Run(ctx) })
	g.Go(func() error { return server.Serve(listener) })

	go func() {
		defer close(m.over)
		<-ctx.Done()
		_ = server.Close()
		_ = g.Wait()
		_ = s.Close()
	}()

	return m, nil
}

func (m *meta) close() { m.stop(); <-m.over }

// These tell the sandbox's process its latency and where it posts webhooks.
const (
	latencyVariable  = "BENCH_SANDBOX_LATENCY"
	callbackVariable = "BENCH_SANDBOX_CALLBACK"
)

// Lines of input have the sandbox's process post webhooks, and post none.
const (
	postWebhooks   = "post"
	postNoWebhooks = "post none"
)

// runSandbox is a sandbox as a process of its own, so that what it costs is not in our figures. It
// answers each line of input with the same.
func runSandbox(ctx context.Context, _ options) error {
	latency, _ := time.ParseDuration(os.Getenv(latencyVariable))
	callback := os.Getenv(callbackVariable)
	m, err := startMeta(ctx, sandbox.Options{Throughput: anyRate, NoLimits: true, NoWebhooks: callback == "",
		Latency: latency, CallbackURL: callback})
	if err != nil {
		return err
	}

	fmt.Println(m.url)
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); fmt.Println(lines.Text()) {
			m.Change(func(o *sandbox.Options) { o.NoWebhooks = lines.Text() == postNoWebhooks })
		}
	}()

	<-ctx.Done()
	m.close()

	return nil
}

// sandboxProcess is this program as a sandbox.
type sandboxProcess struct {
	url    string
	child  *exec.Cmd
	input  io.Writer
	output *bufio.Reader
}

// startSandbox runs this program as a sandbox whose webhooks go to callback; without one it posts
// none.
func startSandbox(latency time.Duration, callback string) (*sandboxProcess, error) {
	child := exec.Command(os.Args[0], "sandbox")
	child.Env, child.Stderr = append(os.Environ(), latencyVariable+"="+latency.String(),
		callbackVariable+"="+callback), os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		return nil, err
	}

	out, err := child.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := child.Start(); err != nil {
		return nil, err
	}

	p := &sandboxProcess{child: child, input: in, output: bufio.NewReader(out)}
	line, err := p.output.ReadString('\n')
	if err != nil {
		p.stop()
		return nil, errors.New("the sandbox did not start")
	}

	p.url = strings.TrimSpace(line)

	return p, nil
}

func (p *sandboxProcess) pid() int { return p.child.Process.Pid }

func (p *sandboxProcess) stop() { _ = p.child.Process.Signal(syscall.SIGTERM); _ = p.child.Wait() }

// tell has it do what the line says for what is sent from now on.
func (p *sandboxProcess) tell(line string) error {
	if _, err := fmt.Fprintln(p.input, line); err != nil {
		return fmt.Errorf("tell the sandbox: %w", err)
	}

	if _, err := p.output.ReadString('\n'); err != nil {
		return fmt.Errorf("hear from the sandbox: %w", err)
	}

	return nil
}

// cpuOf is what a process has used, in user and system time together.
func cpuOf(pid int) time.Duration {
	const ticksPerSecond = 100
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0
	}

	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])

	return time.Duration(user+system) * time.Second / ticksPerSecond
}
