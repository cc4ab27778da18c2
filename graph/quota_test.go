package graph_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"carillon/account"
	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/uid"
	"carillon/usererror"
)

// allow sets the organization's quotas.
func (o *shop) allow(change func(*ent.OrganizationUpdateOne) *ent.OrganizationUpdateOne) {
	o.t.Helper()
	change(o.db.Client.Organization.UpdateOneID(o.org)).ExecX(caller.System(o.ctx))
}

func TestAnOrganizationSeesWhatIsCountedAgainstItsQuotas(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		const usage = `{ viewer { organization { usage { messagesToday messagesPerDay contacts contactsMax phoneNumbers
			phoneNumbersMax } } } }`
		shown := func() string {
			return fmt.Sprint(o.must(usage).at("viewer.organization.usage"))
		}
		o.record(delivery.Accepted, o.queued(uid.ID{}, 3)...)
		if got := shown(); got != "map[contacts:2 contactsMax:<nil> messagesPerDay:<nil> messagesToday:3 phoneNumbers:1 "+
			"phoneNumbersMax:<nil>]" {
			t.Errorf("without quotas it is %s", got)
		}

		o.allow(func(u *ent.OrganizationUpdateOne) *ent.OrganizationUpdateOne {
			return u.SetQuotaContacts(5).SetQuotaMessagesPerDay(100).SetQuotaNumbers(3)
		})
		err := o.db.InTx(caller.System(o.ctx), func(tx *database.Tx) error {
			_, err := o.queue.Take(o.ctx, tx, o.org, 100)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(); got != "map[contacts:2 contactsMax:5 messagesPerDay:100 messagesToday:1 phoneNumbers:1 "+
			"phoneNumbersMax:3]" {
			t.Errorf("with quotas it is %s", got)
		}
	})
}

func TestContactsBeyondTheQuotaAreRefusedOneByOneAndByImport(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		o.allow(func(u *ent.OrganizationUpdateOne) *ent.OrganizationUpdateOne { return u.SetQuotaContacts(5) })
		var made atomic.Int64
		var callers sync.WaitGroup

		for i := range 8 {
			callers.Go(func() {
				a := o.ask(`mutation($p: String!) { createContact(input: {phone: $p}) { contact { id } userErrors { field code message } } }`,
					vars{"p": fmt.Sprintf("+1415555%04d", i)})
				switch wrong := a.wrong("createContact"); {
				case len(wrong) == 0:
					made.Add(1)
				case wrong[0] != "LIMIT_EXCEEDED" || !strings.Contains(a.text("createContact.userErrors.0.message"), "contacts: 5"):
					t.Errorf("refused with %v", a.Data)
				}
			})
		}

		callers.Wait()
		if made.Load() != 3 {
			t.Errorf("%d of 8 were made beside 2, under a quota of 5", made.Load())
		}

		o.allow(func(u *ent.OrganizationUpdateOne) *ent.OrganizationUpdateOne { return u.SetQuotaContacts(6) })
		file := "phone,name\n+14167010000,Known\n+16505550001,First\n+16505550002,Second\n+16505550002,Again\n"
		i := o.upload(`mutation($input: ImportContactsInput!) { importContacts(input: $input) { import { id } userErrors { message } } }`,
			file, vars{})
		id, err := uid.Parse(i.text("importContacts.import.id"))
		if err == nil {
			err = o.audience.RunImport(caller.System(o.ctx), id)
		}
		if err != nil {
			t.Fatal(err)
		}

		a := o.must(`query($id: ID!) { node(id: $id) { ... on ContactImport { status created updated rejected rowsRead rejections { line reason } } } contacts { totalCount } }`,
			vars{"id": id.String()})
		if a.text("node.status") != "COMPLETED" || a.at("node.created") != 1.0 || a.at("node.updated") != 1.0 ||
			a.at("node.rejected") != 2.0 || a.at("node.rowsRead") != 4.0 || a.at("contacts.totalCount") != 6.0 {
			t.Errorf("imported %v", a.Data)
		}

		if a.at("node.rejections.0.line") != 4.0 || !strings.Contains(a.text("node.rejections.1.reason"), "contacts: 6") {
			t.Errorf("rejected %v", a.at("node.rejections"))
		}
	})
}

func TestSingleMessagesBeyondTheQuotaOfADayAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		o.allow(func(u *ent.OrganizationUpdateOne) *ent.OrganizationUpdateOne { return u.SetQuotaMessagesPerDay(3) })
		var sent, refused atomic.Int64
		var callers sync.WaitGroup

		for range 6 {
			callers.Go(func() {
				a := o.ask(send, vars{"input": o.sale()})
				switch wrong := a.wrong("sendMessage"); {
				case len(wrong) == 0:
					sent.Add(1)
				case wrong[0] == "LIMIT_EXCEEDED" && strings.Contains(a.text("sendMessage.userErrors.0.message"),
					"messages a day: 3"):
					refused.Add(1)
				default:
					t.Errorf("refused with %v", a.Data)
				}
			})
		}

		callers.Wait()
		if sent.Load() != 3 || refused.Load() != 3 || s.db.Client.Message.Query().CountX(caller.System(t.Context())) != 3 {
			t.Errorf("%d were queued and %d refused under a quota of 3", sent.Load(), refused.Load())
		}
	})
}

func TestNumbersBeyondTheQuotaCannotBeConnected(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := &shop{person: s.signUp()}
		o.allow(func(u *ent.OrganizationUpdateOne) *ent.OrganizationUpdateOne { return u.SetQuotaNumbers(0) })
		connect := func() error {
			_, err := o.accounts.Connect(o.ctx, account.Connect{WABAID: waba, AccessToken: metaToken, ConsentToTransfer: true})
			return err
		}
		if err := connect(); !isLimit(err) || !strings.Contains(err.Error(), "numbers: 0") ||
			o.db.Client.Account.Query().CountX(o.ctx) != 0 {
			t.Errorf("beyond the quota: %v", err)
		}

		o.allow(func(u *ent.OrganizationUpdateOne) *ent.OrganizationUpdateOne { return u.SetQuotaNumbers(1) })
		if err := connect(); err != nil {
			t.Fatal(err)
		}

		o.allow(func(u *ent.OrganizationUpdateOne) *ent.OrganizationUpdateOne { return u.SetQuotaNumbers(0) })
		if err := connect(); err != nil {
			t.Errorf("what is there already could not be connected anew: %v", err)
		}
	})
}

func isLimit(err error) bool {
	var in usererror.Fields
	return errors.As(err, &in) && len(in) == 1 && in[0].Code == usererror.LimitExceeded
}
