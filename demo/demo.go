// Package demo is a client of Carillon that runs one campaign from sign-up to the last read
// receipt, over the public API alone: queries and mutations by HTTP, an upload, and subscriptions
// over one graphql-transport-ws connection.
//
// It hides those protocols, and how a client that must miss nothing follows a campaign: it starts
// from a cursor, goes on from the last one when the connection is lost, and checks every sequence
// number. It promises to say that all is well only when every message has a final account and the
// stream of events had no gap and no repeat. It imports nothing of the service.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"
)

const (
	defaultRecipients = 500
	defaultTimeout    = 10 * time.Minute
	defaultQuiet      = 2 * time.Second
)

// Options say which service to show, and how. A number or a duration of zero takes its default.
type Options struct {
	URL           string // of the service, without /graphql
	WABAID, Token string // of the WhatsApp Business Account to connect
	Contacts      []byte // a CSV file with a column phone

	Recipients int           // more than the file has are made up; 500
	Timeout    time.Duration // for everything; 10 min
	// Quiet is how long no event must come, once the campaign is COMPLETED, before messages that are
	// not read, and may never be, are taken for what they are; 2 s.
	Quiet time.Duration

	JSON     bool      // end standard output with one line of JSON, and tell the rest on Err
	Out, Err io.Writer // standard output and standard error
	Terminal bool      // whether that which tells (Out, or Err with JSON) is a terminal, which can show a progress bar
}

// Flags are what the user may set.
func Flags(fs *pflag.FlagSet, o *Options) {
	fs.IntVar(&o.Recipients, "recipients", defaultRecipients,
		"messages to send; more than the file of contacts has are made up")
	fs.BoolVar(&o.JSON, "json", false, "make the last line of standard output one JSON object")
	fs.DurationVar(&o.Timeout, "timeout", defaultTimeout, "give up after so long")
}

func (o *Options) setDefaults() {
	if o.Recipients == 0 {
		o.Recipients = defaultRecipients
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Quiet == 0 {
		o.Quiet = defaultQuiet
	}
}

// Result counts messages. From Accepted to Read it is a funnel: who was read was also delivered,
// sent and accepted. Failed and Unknown are where messages stand in the end.
type Result struct {
	Recipients      int `json:"recipients"`
	Accepted        int `json:"accepted"`
	Sent            int `json:"sent"`
	Delivered       int `json:"delivered"`
	Read            int `json:"read"`
	Failed          int `json:"failed"`
	Skipped         int `json:"skipped"`
	Unknown         int `json:"unknown"`
	Events          int `json:"events"`          // received, with those repeated
	SequenceGaps    int `json:"sequenceGaps"`    // sequence numbers that did not come in their place
	DuplicateEvents int `json:"duplicateEvents"` // events whose sequence number had come or been passed
	// from the launch until the last message was accepted, refused or skipped
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"messagesPerSecond"` // over those seconds
}

// Run runs the demonstration. The Result says what is known, also beside an error; with JSON it is
// written once the campaign has been launched.
func Run(ctx context.Context, o Options) (Result, error) {
	o.setDefaults()
	if o.Recipients < 0 {
		return Result{}, fmt.Errorf("--recipients %d: there must be somebody to write to", o.Recipients)
	}

	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, fmt.Errorf("not finished after %s (--timeout)", o.Timeout))
	defer cancel()
	d := &demonstration{options: o, client: newClient(o.URL), teller: newTeller(o)}
	defer d.client.close()
	result, err := d.run(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) && context.Cause(ctx) != ctx.Err() {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}

	return result, err
}

// demonstration is one Run.
type demonstration struct {
	options Options
	client  *client
	teller  *teller

	account, phoneNumber, template, list, campaign string // ids
}

func (d *demonstration) run(ctx context.Context) (Result, error) {
	for _, step := range []func(context.Context) error{
		d.signUp, d.connectAccount, d.createTemplate, d.awaitApproval, d.createList, d.importContacts, d.createCampaign,
	} {
		if err := step(ctx); err != nil {
			return Result{Recipients: d.options.Recipients}, err
		}
	}

	f, err := d.listen(ctx)
	if err != nil {
		return Result{Recipients: d.options.Recipients}, err
	}

	failed := f.follow(ctx, d.launch)
	if !f.launched {
		return Result{Recipients: d.options.Recipients}, failed
	}

	result := f.tally.result(f.launchedAt)
	failures, err := d.failures(ctx)
	d.teller.summary(f.launchedAt, result, f.tally, failures)
	if failed == nil {
		failed = errors.Join(err, f.tally.verdict())
	}

	if d.options.JSON {
		line, err := json.Marshal(result)
		if err == nil {
			_, err = d.options.Out.Write(append(line, '\n'))
		}

		failed = errors.Join(failed, err)
	}

	return result, failed
}
