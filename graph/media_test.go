package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"carillon/account"
	"carillon/caller"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/whatsapp"
)

// picture begins like a PNG file, by which its type is told.
const picture = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"

const uploadDocument = `mutation($input: UploadMediaInput!) { uploadMedia(input: $input) {
	mediaId handle clientMutationId userErrors { field code message } } }`

// picture uploads one to be sent from the shop's number.
func (o *shop) picture() (mediaID string) {
	o.t.Helper()
	a := o.upload(uploadDocument, picture, vars{"accountId": o.account.ID.String(), "phoneNumberId": o.number.ID.String(),
		"purpose": "MESSAGE", "clientMutationId": "mine"})
	if mediaID = a.text("uploadMedia.mediaId"); mediaID == "" || a.text("uploadMedia.clientMutationId") != "mine" {
		o.t.Fatalf("uploading is answered %v %v", a.Data, a.Errors)
	}

	return mediaID
}

const mediaOfAll = `{ messages { edges { node { id media { mimeType fileName size sha256 url expiresAt } } } } }`

func TestAFileIsUploadedSentAndSeen(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		o.contacts[0].Update().SetServiceWindowClosesAt(database.Now().Add(time.Hour)).ExecX(caller.System(o.ctx))
		sent := o.must(`mutation($n: ID!, $to: String!, $m: String!) { sendMessage(input: {phoneNumberId: $n, to: $to,
			content: {media: {kind: IMAGE, mediaId: $m, caption: "Look"}}}) { message { id } userErrors { message } } }`,
			vars{"n": o.number.ID.String(), "to": *o.contacts[0].Phone, "m": o.picture()})
		id := sent.text("sendMessage.message.id")

		a := o.must(`query($id: ID!) { node(id: $id) { ... on Message { text media { mimeType fileName size sha256 url expiresAt } } } }`,
			vars{"id": id})
		if a.text("node.media.mimeType") != "image/png" || a.text("node.media.fileName") != "people.csv" ||
			a.at("node.media.size") != float64(len(picture)) || len(a.text("node.media.sha256")) != 64 {
			t.Errorf("the file is %v", a.at("node.media"))
		}

		until, err := time.Parse(time.RFC3339, a.text("node.media.expiresAt"))
		if url := a.text("node.media.url"); err != nil || until.Before(time.Now().Add(59*time.Minute)) ||
			!strings.HasPrefix(url, "https://carillon.example/files/media/"+id+"?expires=") {
			t.Errorf("the link is %s until %s", url, until)
		}

		o.must(`mutation { updateOrganization(input: {maskForViewers: true}) { organization { id } userErrors { message } } }`)
		masked := o.key(enum.RoleViewer).must(mediaOfAll)
		if masked.at("messages.edges.0.node.media.url") != nil || masked.at("messages.edges.0.node.media.expiresAt") != nil ||
			masked.text("messages.edges.0.node.media.fileName") != "•••" ||
			masked.text("messages.edges.0.node.media.mimeType") != "image/png" {
			t.Errorf("a viewer who sees nobody's number sees %v", masked.at("messages.edges.0.node.media"))
		}
	})
}

func TestAFileThatCannotBeUploadedSaysWhy(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		for name, c := range map[string]struct {
			file string
			in   vars
			want string
		}{
			"no number": {picture, vars{"purpose": "MESSAGE"}, "phoneNumberId:REQUIRED"},
			"a program": {"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00", vars{"purpose": "MESSAGE",
				"phoneNumberId": o.number.ID.String()}, "file:INVALID"},
			"an example of text": {"hello", vars{"purpose": "HEADER_EXAMPLE"}, "file:INVALID"},
		} {
			c.in["accountId"] = o.account.ID.String()
			a := o.upload(uploadDocument, c.file, c.in)
			if got := a.text("uploadMedia.userErrors.0.field.0") + ":" + a.text("uploadMedia.userErrors.0.code"); got != c.want {
				t.Errorf("%s: %s, want %s (%v)", name, got, c.want, a.Errors)
			}
		}
	})
}

// The statements for a page of messages with files do not grow with it.
func TestFilesOfAPageOfMessagesTakeFewStatements(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(3)
		id := o.picture()
		count := func() int64 {
			before := s.statements.Load()
			a := o.must(mediaOfAll)
			if files := strings.Count(fmt.Sprint(a.Data), "image/png"); files == 0 {
				t.Fatalf("no file in %v", a.Data)
			}

			return s.statements.Load() - before
		}

		send := func(n int) {
			messages := make([]delivery.Outgoing, n)
			for i := range messages {
				messages[i] = delivery.Outgoing{Template: o.template.ID, PhoneNumber: o.number.ID, Account: o.account.ID,
					Contact: o.contacts[0].ID, Address: *o.contacts[0].Phone, Country: "CA", Type: enum.MessageTypeTemplate,
					Category: enum.TemplateCategoryMarketing, Parameters: map[string]string{"header_image": id}}
			}

			system := caller.System(o.ctx)
			if err := o.db.InTx(system, func(tx *database.Tx) error {
				_, err := o.queue.Enqueue(system, tx, o.org, messages, func() error { return nil })
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}

		send(2)
		few := count()
		send(30)
		if many := count(); many != few {
			t.Errorf("2 messages take %d statements, 32 take %d", few, many)
		}
	})
}

// headed makes an approved template with a picture above its text.
func (o *shop) headed() *ent.Template {
	o.t.Helper()
	example := o.upload(uploadDocument, picture, vars{"accountId": o.account.ID.String(), "purpose": "HEADER_EXAMPLE"})
	handle := example.text("uploadMedia.handle")
	if handle == "" {
		o.t.Fatalf("no handle: %v %v", example.Data, example.Errors)
	}

	made, err := o.accounts.CreateTemplate(o.ctx, account.CreateTemplate{AccountID: o.account.ID,
		Template: whatsapp.Template{Name: "picture", Language: "en_US", Category: "MARKETING",
			Components: []whatsapp.Component{
				{Type: "HEADER", Format: "IMAGE", Example: &whatsapp.Example{HeaderHandle: whatsapp.Texts{handle}}},
				{Type: "BODY", Text: "Our spring sale has begun."},
			}}, Submit: true})
	if err != nil {
		o.t.Fatal(err)
	}

	return made.Update().SetStatus(enum.TemplateStatusApproved).SaveX(caller.System(o.ctx))
}

func TestACampaignStartsWithAFileThatIsThere(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		id, template, system := o.picture(), o.headed(), caller.System(s.t.Context())
		draft := func() string {
			a := o.must(`mutation($input: CreateCampaignInput!) { createCampaign(input: $input) { campaign { id } userErrors { message } } }`,
				vars{"input": vars{"name": "Picture", "templateId": template.ID.String(), "phoneNumberId": o.number.ID.String(),
					"audience":   vars{"listIds": []string{o.list.ID.String()}},
					"parameters": []vars{{"parameter": "header_image", "value": id}}}})
			return a.text("createCampaign.campaign.id")
		}

		launch := func(campaign string) answer {
			return o.must(`mutation($id: ID!) { launchCampaign(input: {campaignId: $id}) {
				campaign { status parameters { value } } userErrors { field code message } } }`, vars{"id": campaign})
		}

		if a := launch(draft()); a.text("launchCampaign.campaign.parameters.0.value") != id {
			t.Errorf("a file that is there: %v", a.Data)
		}

		expire := func(at time.Time) { o.db.Client.MediaUpload.Update().SetExpiresAt(at).ExecX(system) }
		expire(database.Now().Add(24 * time.Hour))
		a := launch(draft())
		renewed := a.text("launchCampaign.campaign.parameters.0.value")
		if renewed == "" || renewed == id {
			t.Errorf("a file that is forgotten tomorrow: %v", a.Data)
		}

		expire(database.Now().Add(-time.Hour))
		if a := launch(draft()); a.text("launchCampaign.userErrors.0.code") != "STALE" ||
			!strings.Contains(a.text("launchCampaign.userErrors.0.message"), "upload it again") {
			t.Errorf("a file that is forgotten: %v", a.Data)
		}
	})
}

// Of an inbound message the file is what WhatsApp says of it.
func TestAFileThatWasReceivedIsSeen(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		raw, err := json.Marshal(map[string]any{"text": vars{"body": ""}, "message": vars{"type": "document",
			"document": vars{"id": "1037543291543636", "mime_type": "application/pdf", "filename": "invoice.pdf",
				"sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}}})
		if err != nil {
			t.Fatal(err)
		}

		if _, err := o.queue.Receive(caller.System(o.ctx), delivery.Received{Organization: o.org, PhoneNumber: o.number.ID,
			Account: o.account.ID, Contact: o.contacts[0].ID, Address: *o.contacts[0].Phone, Country: "CA",
			Type: enum.MessageTypeDocument, WAMID: "wamid.1", Content: raw, At: database.Now()}); err != nil {
			t.Fatal(err)
		}

		a := o.must(mediaOfAll)
		if file := "messages.edges.0.node.media."; a.text(file+"mimeType") != "application/pdf" ||
			a.text(file+"fileName") != "invoice.pdf" || a.at(file+"size") != nil ||
			a.text(file+"sha256") != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" ||
			a.text(file+"url") == "" {
			t.Errorf("the file is %v", a.at("messages.edges.0.node.media"))
		}
	})
}
