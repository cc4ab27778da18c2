package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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

// latencyVariable tells the sandbox's process its latency.
const latencyVariable = "BENCH_SANDBOX_LATENCY"

// runSandbox is a sandbox as a process of its own, so that what it costs is not in our figures.
func runSandbox(ctx context.Context, _ options) error {
	latency, _ := time.ParseDuration(os.Getenv(latencyVariable))
	m, err := startMeta(ctx, sandbox.Options{Throughput: anyRate, NoLimits: true, NoWebhooks: true, Latency: latency})
	if err != nil {
		return err
	}

	fmt.Println(m.url)
	<-ctx.Done()
	m.close()

	return nil
}

// startSandbox runs this program as a sandbox.
func startSandbox(latency time.Duration) (url string, pid int, stop func(), err error) {
	child := exec.Command(os.Args[0], "sandbox")
	child.Env, child.Stderr = append(os.Environ(), latencyVariable+"="+latency.String()), os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return "", 0, nil, err
	}
	if err := child.Start(); err != nil {
		return "", 0, nil, err
	}

	stop = func() { _ = child.Process.Signal(syscall.SIGTERM); _ = child.Wait() }
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", 0, nil, errors.New("the sandbox did not start")
	}

	return strings.TrimSpace(line), child.Process.Pid, stop, nil
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
