// Command bench measures Carillon on one machine. Each subcommand prints its figures as lines of
// JSON; README.md says what they mean. Everything is bounded in count and time, and nothing but
// loopback is spoken to.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// options are what the flags set. A count of zero takes the benchmark's own.
type options struct {
	n       int
	stores  []string
	profile string
	allocs  string
	latency time.Duration
	rows    int
	each    []int
	atOnce  []int

	marketing bool
}

// benchmarks in the order of the README.
var benchmarks = map[string]func(context.Context, options) error{
	"send": benchSend, "pace": benchPace, "enroll": benchEnroll, "webhook": benchWebhook, "lifecycle": benchLifecycle,
	"campaign": benchCampaign, "audience": benchAudience,
	"latency": benchLatency, "steer": benchSteer, "fanout": benchFanout, "import": benchImport,
	"export": benchExport, "plans": benchPlans,
	"sandbox": runSandbox,
}

// atMost bounds any one benchmark; most of the longest is the making of ten million messages, and
// what is then asked of them.
const atMost = 90 * time.Minute

const heapFloor = 64 << 20 // as the program has

func main() {
	defer runtime.KeepAlive(make([]byte, heapFloor))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	o := options{}
	flags := pflag.NewFlagSet("bench", pflag.ContinueOnError)
	flags.IntVarP(&o.n, "count", "n", 0, "messages, contacts or webhooks; 0 is the benchmark's own number")
	flags.StringSliceVar(&o.stores, "store", []string{"postgres", "embedded"}, "databases to measure on")
	flags.StringVar(&o.profile, "cpuprofile", "", "file for a CPU profile of what is timed (send, webhook)")
	flags.StringVar(&o.allocs, "memprofile", "", "file for a profile of all allocations, of the whole run")
	flags.DurationVar(&o.latency, "latency", -1, "the sandbox's latency (send); by default 0 and 50 ms in turn")
	flags.IntVar(&o.rows, "rows", 0,
		"messages that are in the table before (send, webhook, plans), with all that belongs to them; PostgreSQL alone")
	flags.BoolVar(&o.marketing, "marketing", false,
		"the template is one of MARKETING, so that each claim looks at consents (send)")
	flags.IntSliceVar(&o.each, "each", []int{1, 50}, "statuses in a post (webhook)")
	flags.IntSliceVar(&o.atOnce, "at-once", []int{64, 256, 512}, "posts under way at a time (webhook)")
	names := strings.Join(slices.Sorted(maps.Keys(benchmarks)), ", ")
	flags.Usage = func() { fmt.Printf("bench <%s>\n%s", names, flags.FlagUsages()) }

	if err := flags.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil
		}
		return err
	}

	bench, ok := benchmarks[flags.Arg(0)]
	if !ok || flags.NArg() != 1 {
		return fmt.Errorf("want one of %s", names)
	}
	if err := bench(ctx, o); err != nil || o.allocs == "" {
		return err
	}

	f, err := os.Create(o.allocs)
	if err != nil {
		return err
	}

	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}

func (o options) count(usual int) int {
	if o.n > 0 {
		return o.n
	}
	return usual
}

func (o options) rowsOr(usual int) int {
	if o.rows > 0 {
		return o.rows
	}
	return usual
}

// figures are one line of output.
type figures map[string]any

func (f figures) print(bench string) error {
	f["bench"], f["cores"] = bench, runtime.NumCPU()
	for name, value := range f {
		if v, is := value.(float64); is {
			f[name] = json.Number(fmt.Sprintf("%.4g", v))
		}
	}

	line, err := json.Marshal(f)
	if err == nil {
		_, err = fmt.Println(string(line))
	}

	return err
}

// cost is what this process has used up.
type cost struct {
	at          time.Time
	cpu         time.Duration
	allocations uint64
	bytes       uint64
}

func costNow() cost {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)

	return cost{time.Now(), time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), m.Mallocs, m.TotalAlloc}
}

// since adds what n things have cost from begun to now.
func (f figures) since(begun cost, n int) figures {
	now, thousands := costNow(), float64(n)/1000
	f["n"], f["seconds"] = n, now.at.Sub(begun.at).Seconds()
	f["per_second"] = float64(n) / now.at.Sub(begun.at).Seconds()
	f["cpu_seconds_per_1000"] = (now.cpu - begun.cpu).Seconds() / thousands
	f["allocations_per_1000"] = float64(now.allocations-begun.allocations) / thousands
	f["kib_per_1000"] = float64(now.bytes-begun.bytes) / 1024 / thousands

	return f
}

// peakMiB is the most memory that this process has ever had resident.
func peakMiB() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Maxrss) / 1024
}

// startProfile profiles until the returned function is called; without a file it does nothing.
func startProfile(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}

	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}

	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}
