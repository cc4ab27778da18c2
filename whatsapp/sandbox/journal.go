package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// record is a line of the state file. Exactly one field is set.
type record struct {
	Origin         *origin         `json:"origin,omitempty"`
	Account        *AccountSpec    `json:"account,omitempty"`
	DeadToken      string          `json:"dead_token,omitempty"`
	SignUpCode     *signUpCode     `json:"sign_up_code,omitempty"`
	Health         *healthOf       `json:"health,omitempty"`
	Review         *review         `json:"review,omitempty"`
	Subscription   *subscription   `json:"subscription,omitempty"`
	Registration   *registration   `json:"registration,omitempty"`
	NumberCallback *numberCallback `json:"number_callback,omitempty"`
	NumberState    *numberState    `json:"number_state,omitempty"`
	Template       *template       `json:"template,omitempty"`
	Deleted        *deletion       `json:"deleted,omitempty"`
	Media          *media          `json:"media,omitempty"`
	DeletedMedia   string          `json:"deleted_media,omitempty"`
	Message        *kept           `json:"message,omitempty"`
	Told           [][2]uint64     `json:"told,omitempty"` // sequence number and step of acknowledged statuses
	Window         *window         `json:"window,omitempty"`

	message *message // becomes Message, unless there is no state file and the work would be for nothing
}

// origin is what makes chance and wamids the same after a restart.
type origin struct {
	Seed uint64 `json:"seed"`
	Key  uint64 `json:"key"`
}

// deletion is a deleted template, and how long its name is locked.
type deletion struct {
	ID          string    `json:"id"`
	WABAID      string    `json:"waba_id"`
	Name        string    `json:"name"`
	LockedUntil time.Time `json:"locked_until"`
}

// window is a customer service window that was opened.
type window struct {
	NumberID string `json:"number_id"`
	From     string `json:"from"`
	At       int64  `json:"at"`
}

// kept is a message as the state file keeps it.
type kept struct {
	Seq        uint64   `json:"seq"`
	NumberID   string   `json:"number"`
	To         string   `json:"to"`
	Data       string   `json:"data,omitempty"`
	Content    content  `json:"content"`
	Parameters []string `json:"parameters,omitempty"`
	Arrived    int64    `json:"arrived"`
	Outside    bool     `json:"outside,omitempty"` // of the customer service window
	Told       uint8    `json:"told,omitempty"`
}

func (m *message) kept() *kept {
	return &kept{m.seq, m.number.ID, m.to(), m.callbackData(), *m.content, m.parameters(), m.arrived,
		m.magic == outsideWindow, m.told}
}

// journal appends to the state file. Lines are written, not synced: they survive the process, not
// the machine.
type journal struct {
	mu   sync.Mutex
	file *os.File
}

// put appends a record; it is written when put returns. Without a state file it does nothing.
func (j *journal) put(s *Sandbox, r record) {
	if j == nil {
		return
	}
	if r.message != nil {
		r.Message = r.message.kept()
	}

	line, err := json.Marshal(r)
	if err == nil {
		j.mu.Lock()
		_, err = j.file.Write(append(line, '\n'))
		j.mu.Unlock()
	}

	if err != nil {
		s.log.Error("sandbox: state not kept", "error", err)
	}
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}

// reload takes up the state file and writes it anew without what is past. A last line torn by a
// crash is left out: its caller got no answer.
func (s *Sandbox) reload(path string) error {
	past, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("open sandbox state: %w", err)
	default:
		err := s.replay(past)
		past.Close()
		if err != nil {
			return fmt.Errorf("read sandbox state %s: %w", path, err)
		}
	}

	j := new(journal)
	if err := j.restart(s, path); err != nil {
		return err
	}

	s.journal = j
	s.resume()

	return nil
}

// restart writes the state anew and appends to that from now on. Lines wait meanwhile.
func (j *journal) restart(s *Sandbox, path string) error {
	s.catalog.Lock()
	defer s.catalog.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := s.compact(path); err != nil {
		return fmt.Errorf("write sandbox state: %w", err)
	}

	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open sandbox state: %w", err)
	}
	if j.file != nil {
		j.file.Close()
	}

	j.file = file

	return nil
}

func (s *Sandbox) replay(file *os.File) error {
	told := map[uint64]uint8{}
	var messages []*kept
	seen := map[uint64]bool{} // a reset may write a message that arrives just then twice
	decoder := json.NewDecoder(bufio.NewReaderSize(file, 1<<20))

	for decoder.More() {
		var r record
		if err := decoder.Decode(&r); err != nil {
			s.log.Warn("sandbox: the end of the state file is torn", "error", err)
			break
		}

		if r.Message != nil {
			if !seen[r.Message.Seq] {
				messages = append(messages, r.Message)
			}

			seen[r.Message.Seq] = true
			continue
		}

		for _, t := range r.Told {
			told[t[0]] |= 1 << t[1]
		}

		if err := s.apply(r); err != nil {
			return err
		}
	}

	for _, k := range messages {
		n := s.catalog.numbers[k.NumberID]
		if n == nil {
			return fmt.Errorf("message %d: number %s is unknown", k.Seq, k.NumberID)
		}

		k.Told |= told[k.Seq]
		s.restore(n, k)
	}

	return nil
}

func (s *Sandbox) restore(n *number, k *kept) {
	c := freeForm[k.Content.Type]
	if k.Content.Template != "" {
		c = s.catalog.intern(k.Content)
	}

	m := newMessage(n, c, k.To, k.Data, k.Parameters)
	m.seq, m.arrived, m.told = k.Seq, k.Arrived, k.Told
	if k.Outside {
		m.magic = outsideWindow
	}

	s.book.keep(m)
	n.traffic.accept(k.Arrived)
}

// apply brings the catalog up to a record. New runs it alone, so it needs no lock.
func (s *Sandbox) apply(r record) error {
	k := &s.catalog
	switch {
	case r.Origin != nil:
		s.seed, s.key = r.Origin.Seed, r.Origin.Key
	case r.Account != nil:
		s.putAccount(*r.Account)
	case r.DeadToken != "" && k.tokens[r.DeadToken] != nil:
		k.tokens[r.DeadToken].dead = true
	case r.SignUpCode != nil:
		k.codes[r.SignUpCode.Code] = r.SignUpCode
	case r.Health != nil && k.accounts[r.Health.WABAID] != nil:
		k.accounts[r.Health.WABAID].setHealth(*r.Health)
	case r.Review != nil && k.accounts[r.Review.WABAID] != nil:
		k.accounts[r.Review.WABAID].review = r.Review.Decision
	case r.Subscription != nil && k.accounts[r.Subscription.WABAID] != nil:
		k.accounts[r.Subscription.WABAID].hook.Store(r.Subscription)
	case r.Registration != nil && k.numbers[r.Registration.NumberID] != nil:
		n := k.numbers[r.Registration.NumberID]
		n.Unregistered, n.pin = !r.Registration.Registered, r.Registration.PIN
	case r.NumberCallback != nil && k.numbers[r.NumberCallback.NumberID] != nil:
		k.numbers[r.NumberCallback.NumberID].override.Store(&r.NumberCallback.Override)
	case r.NumberState != nil && k.numbers[r.NumberState.NumberID] != nil:
		k.numbers[r.NumberState.NumberID].restoreState(*r.NumberState)
	case r.Template != nil:
		return s.restoreTemplate(r.Template)
	case r.Deleted != nil && k.accounts[r.Deleted.WABAID] != nil:
		a, t := k.accounts[r.Deleted.WABAID], k.templates[r.Deleted.ID]
		a.locked[r.Deleted.Name] = r.Deleted.LockedUntil
		if t != nil {
			delete(a.templates, templateKey{t.Name, t.Language})
			delete(k.templates, t.ID)
		}
	case r.Media != nil && k.numbers[r.Media.NumberID] != nil:
		r.Media.number = k.numbers[r.Media.NumberID]
		k.media[r.Media.ID] = r.Media
	case r.DeletedMedia != "":
		delete(k.media, r.DeletedMedia)
	case r.Window != nil && k.numbers[r.Window.NumberID] != nil:
		k.numbers[r.Window.NumberID].traffic.openWindow(recipientKey(r.Window.From), r.Window.At)
	}

	return nil
}

func (s *Sandbox) restoreTemplate(t *template) error {
	a := s.catalog.accounts[t.WABAID]
	if a == nil {
		return fmt.Errorf("template %s: account %s is unknown", t.ID, t.WABAID)
	}

	shown, sh, no := parseComponents(t.Category, t.ParameterFormat, t.Components)
	if no != nil { // it was made when the rules were others
		s.log.Warn("sandbox: a template that today's rules refuse is left out", "name", t.Name, "language", t.Language,
			"why", no.message+" "+no.userMessage)
		return nil
	}

	t.shown, t.shape = shown, sh
	s.catalog.put(a, t)

	return nil
}

// resume schedules what the last process left: reviews, and statuses that nobody acknowledged.
func (s *Sandbox) resume() {
	o := s.options.Load()
	for _, t := range s.catalog.templates {
		if t.Status == "PENDING" {
			s.later(t.ReviewAt.UnixNano(), t)
		}
		if t.Coming != "" {
			s.later(t.CategoryAt.UnixNano(), t)
		}
		if !t.PacedAt.IsZero() {
			s.later(t.PacedAt.UnixNano(), t)
		}
	}

	s.book.each(func(m *message) { s.enter(o, m) })
}
