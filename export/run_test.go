package export_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/exportpart"
	"carillon/ent/jsonfield"
	"carillon/filestore"
	"carillon/uid"
)

// mortal is a store whose process dies at one of its calls: before it does anything, or after it is
// done and nobody hears of it. Whatever is asked of it after that fails.
type mortal struct {
	filestore.Store
	mu    sync.Mutex
	left  int // calls until it dies
	after bool
	die   context.CancelFunc
}

var errDead = errors.New("the process is dead")

func (m *mortal) call() (dies, dead bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left--

	return m.left == 0, m.left < 0
}

func (m *mortal) Put(ctx context.Context, name string, size int64, content io.Reader) (int64, error) {
	dies, dead := m.call()
	if dead || dies && !m.after {
		m.die()
		return 0, errDead
	}

	n, err := m.Store.Put(ctx, name, size, content)
	if dies {
		m.die()
		return 0, errDead
	}

	return n, err
}

func TestAnExportGoesOnWhereItStoppedWheneverItsProcessDies(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		want := numbered(20)
		d.messages(d.contact("+14155550101", "Ann"), want...)
		deaths := 0
		for at := 1; ; at++ {
			died := false
			for _, after := range []bool{false, true} {
				e := d.startMessages(enum.ExportFormatXLSX)
				ctx, die := context.WithCancel(d.system)
				store := &mortal{Store: d.files, left: at, after: after, die: die}
				_ = d.service(store).Run(ctx, e.ID) // what it says nobody hears
				if e = d.row(e.ID); e.Status != enum.JobStatusCompleted {
					died, deaths = true, deaths+1
					leased := d.moment().Add(30 * time.Second) // a process that is killed cannot let go
					db.Client.Export.UpdateOneID(e.ID).SetLeaseUntil(leased).ExecX(d.system)
				}

				if e = d.run(e.ID); died && e.Status != enum.JobStatusRunning {
					t.Errorf("it was taken from a worker that may live: %s", e.Status)
				}

				d.wait(31 * time.Second)
				e = d.run(e.ID)
				if got := column(d.table(e), "text"); !same(got, want) || e.Rows != len(want) {
					t.Errorf("dead at %d (%t) it has %d rows: %q", at, after, e.Rows, got)
				}

				d.onlyParts(e)
				die()
			}

			if !died {
				break
			}
		}

		if deaths < 10 {
			t.Errorf("it died only %d times", deaths)
		}
	})
}

// onlyParts holds that the store has of an export what its rows name, and no more.
func (d *desk) onlyParts(e *ent.Export) {
	d.t.Helper()
	var want []string
	for _, p := range d.db.Client.ExportPart.Query().Where(exportpart.ExportID(e.ID)).AllX(d.system) {
		want = append(want, e.ID.String()+"/"+p.Name)
	}

	names, err := d.files.Names(d.system, e.ID.String())
	if err != nil || !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(want))) {
		d.t.Errorf("the store has %q, want %q (%v)", names, want, err)
	}
}

// slow is a store that waits before it keeps a file.
type slow struct {
	filestore.Store
	reached, goOn chan struct{}
	once          sync.Once
}

func (s *slow) Put(ctx context.Context, name string, size int64, content io.Reader) (int64, error) {
	s.once.Do(func() { close(s.reached); <-s.goOn })
	return s.Store.Put(ctx, name, size, content)
}

func TestOfTwoWorkersOneWritesAndTheLateOneTakesNothingBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		want := numbered(20)
		d.messages(d.contact("+14155550101", "Ann"), want...)
		e := d.startMessages(enum.ExportFormatCSV)
		store := &slow{Store: d.files, reached: make(chan struct{}), goOn: make(chan struct{})}
		late := make(chan error, 1)
		go func() { late <- d.service(store).Run(d.system, e.ID) }()
		<-store.reached

		if e = d.run(e.ID); e.Status != enum.JobStatusRunning || e.Rows != 0 {
			t.Errorf("while another has it in hand it is %s with %d rows", e.Status, e.Rows)
		}

		d.wait(31 * time.Second)
		e = d.run(e.ID)
		close(store.goOn)
		if err := <-late; err != nil {
			t.Errorf("the late one says %v", err)
		}

		if got := column(d.table(d.row(e.ID)), "text"); !same(got, want) {
			t.Errorf("the file has %q", got)
		}
	})
}

// broken is a store that keeps nothing.
type broken struct{ filestore.Store }

func (broken) Put(context.Context, string, int64, io.Reader) (int64, error) {
	return 0, errors.New("no space left on /secret/path")
}

func TestAnExportThatCannotBeWrittenIsTriedAgainAndFailsInTheEnd(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		d.messages(d.contact("+14155550101", "Ann"), "text")
		e := d.startMessages(enum.ExportFormatCSV)
		d.Service = d.service(broken{d.files})
		tries := 0
		for e = d.run(e.ID); e.Status == enum.JobStatusRunning && tries < 20; tries++ {
			if again := d.run(e.ID); again.Tries != e.Tries {
				t.Error("it did not rest between two tries")
			}

			d.wait(time.Minute)
			e = d.run(e.ID)
		}

		told := db.Client.Notification.Query().CountX(d.system)
		if e.Status != enum.JobStatusFailed || tries != 5 || told != 1 ||
			*e.StatusReason != "The file could not be written. Start the export again; tell the operator if it fails "+
				"again." {
			t.Errorf("after %d tries it is %s: %v; %d notifications", tries, e.Status, e.StatusReason, told)
		}
	})
}

func TestAnErasureTakesBackFilesThatMayHoldThePerson(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		ann, ben := d.contact("+14155550101", "Ann"), d.contact("+14155550102", "Ben")
		d.messages(ann, numbered(9)...)
		d.messages(ben, "another")
		other := open(t, db)
		theirs := other.run(other.startMessages(enum.ExportFormatCSV).ID)
		sums := d.run(d.start(enum.ExportKindStatistics, enum.ExportFormatCSV, jsonfield.ExportQuestion{
			Statistics: &jsonfield.Statistics{Since: d.now.Add(-time.Hour), Until: d.now, TimeZone: "UTC",
				Interval: enum.StatisticsIntervalDay}}).ID)
		done := d.run(d.startMessages(enum.ExportFormatCSV).ID)

		under := d.startMessages(enum.ExportFormatCSV) // a worker has parts of it committed, and one in hand
		ctx, die := context.WithCancel(d.system)
		defer die()
		_ = d.service(&mortal{Store: d.files, left: 3, after: true, die: die}).Run(ctx, under.ID)

		forget := func() (n int) {
			err := db.InTx(d.system, func(tx *database.Tx) (err error) {
				n, err = d.Forget(d.system, tx, d.org)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}

			return n
		}
		db.Client.Message.Update().ClearContent().ExecX(d.system) // as the erasure does before
		if n := forget(); n != 2 {
			t.Errorf("it took back %d files", n)
		}
		if again := forget(); again != 1 { // the one that is under way once more
			t.Errorf("once more it took back %d files", again)
		}

		if e := d.row(done.ID); d.Ready(e) || e.StatusReason == nil {
			t.Error("the finished file can still be fetched")
		}
		if d.Ready(d.row(sums.ID)) == false || !other.Ready(other.row(theirs.ID)) {
			t.Error("statistics, or the file of another organization, were taken back")
		}

		e := d.run(under.ID)
		if got := column(d.table(e), "text"); !same(got, make([]string, 10)) {
			t.Errorf("the file that was under way has %q", got)
		}

		d.onlyParts(e)
		if err := d.Sweep(d.system); err != nil {
			t.Fatal(err)
		}
		if names, err := d.files.Names(d.system, done.ID.String()); err != nil || len(names) > 0 {
			t.Errorf("after the sweep the store has %q of it, %v", names, err)
		}
	})
}

func TestFilesGoWhenTheyExpireAndWithTheirOrganization(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		d := open(t, db)
		d.messages(d.contact("+14155550101", "Ann"), numbered(9)...)
		e := d.run(d.start(enum.ExportKindMessages, enum.ExportFormatCSV, jsonfield.ExportQuestion{
			Messages: &jsonfield.MessageFilter{To: new("+14155550101")}}).ID)
		orphan := uid.New(uid.Export).String()
		for _, name := range []string{orphan + "/000001-x", "another-thing/file"} {
			if _, err := d.files.Put(d.system, name, -1, io.LimitReader(nothing{}, 5)); err != nil {
				t.Fatal(err)
			}
		}

		sweep := func() []string {
			if err := d.Sweep(d.system); err != nil {
				t.Fatal(err)
			}

			folders, err := d.files.Folders(d.system)
			if err != nil {
				t.Fatal(err)
			}

			return slices.Sorted(slices.Values(folders))
		}

		if got := sweep(); !same(got, []string{"another-thing", e.ID.String()}) {
			t.Errorf("before it expires the store has %q", got)
		}

		d.wait(72*time.Hour + time.Second)
		if d.Ready(d.row(e.ID)) {
			t.Error("past its time it can be fetched")
		}
		if got := sweep(); !same(got, []string{"another-thing"}) {
			t.Errorf("after it expired the store has %q", got)
		}

		kept := d.row(e.ID)
		if kept.Question.Messages != nil || kept.Rows != 9 || kept.Status != enum.JobStatusCompleted {
			t.Errorf("of the export is kept %v", kept)
		}
		if f, err := d.Open(d.system, kept); f != nil || err != nil {
			t.Errorf("it opens as %v, %v", f, err)
		}

		d.wait(31 * 24 * time.Hour)
		if sweep(); db.Client.Export.Query().CountX(d.system) != 0 {
			t.Error("it is listed for ever")
		}
	})
}

type nothing struct{}

func (nothing) Read(p []byte) (int, error) { return len(p), nil }
