package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"

	"carillon/account"
	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/mediaupload"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

const (
	maxFileName = 240 // characters; Meta's, of a document
	// sniffed is how many bytes of a file tell its type.
	sniffed = 3072
)

// Content is a file that can be read from any place.
type Content interface {
	io.ReadSeeker
	io.ReaderAt
}

// NewUpload is a file for WhatsApp.
type NewUpload struct {
	AccountID     uid.ID
	PhoneNumberID *uid.ID // from which it is to be sent; only for a message
	Example       bool    // of a template, or a profile's picture; else it is to be sent
	FileName      string
	File          Content
}

// Uploaded is what names a file at WhatsApp: the id of a file to be sent, or the handle of an
// example.
type Uploaded struct{ MediaID, Handle string }

// file is what is known of a file once it was read.
type file struct {
	whatsapp.File
	sha256 string
	head   []byte
}

// Upload gives WhatsApp a file. A file that the number has already, and that WhatsApp keeps for
// some days more, is not uploaded again: its id is returned. Two calls at once may both upload it;
// both ids are good.
func (s *Service) Upload(ctx context.Context, in NewUpload) (*Uploaded, error) {
	if _, err := identity.Require(ctx, enum.RoleCampaigner); err != nil {
		return nil, err
	}

	a, err := s.db.Client.Account.Get(ctx, in.AccountID)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("account")
	}
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", in.AccountID, err)
	}

	sender, err := s.senderOf(ctx, a, in)
	if err != nil {
		return nil, err
	}

	f, err := read(in)
	if err != nil {
		return nil, err
	}

	if in.Example {
		return s.uploadExample(ctx, a, in, f)
	}

	return s.uploadForMessages(ctx, sender, f)
}

// senderOf is the number that a file is for. An example needs none; one that is named has to be
// there all the same.
func (s *Service) senderOf(ctx context.Context, a *ent.Account, in NewUpload) (account.Sender, error) {
	if in.PhoneNumberID == nil && in.Example {
		return account.Sender{}, nil
	}
	if in.PhoneNumberID == nil {
		return account.Sender{}, usererror.Refuse("phoneNumberId", usererror.Required,
			"say from which number the file is to be sent: WhatsApp keeps it for that number alone")
	}

	sender, err := s.accounts.Sender(ctx, *in.PhoneNumberID)
	if err != nil {
		return account.Sender{}, err
	}
	if sender.Account.ID != a.ID {
		return account.Sender{}, usererror.Refuse("phoneNumberId", usererror.Invalid,
			"the number does not belong to that account")
	}

	return sender, nil
}

// read finds out what a file is, by its content.
func read(in NewUpload) (file, error) {
	f := file{File: whatsapp.File{Name: fileName(in.FileName), Content: in.File}, head: make([]byte, sniffed)}
	n, err := io.ReadFull(io.NewSectionReader(in.File, 0, sniffed), f.head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return file{}, fmt.Errorf("read an upload: %w", err)
	}

	f.head = f.head[:n]
	f.MIME = typeOf(f.head)
	hash := sha256.New()
	if _, err := in.File.Seek(0, io.SeekStart); err != nil {
		return file{}, fmt.Errorf("read an upload: %w", err)
	}
	if f.Size, err = io.Copy(hash, in.File); err != nil {
		return file{}, fmt.Errorf("read an upload: %w", err)
	}

	f.sha256 = hex.EncodeToString(hash.Sum(nil))
	if _, err := in.File.Seek(0, io.SeekStart); err != nil {
		return file{}, fmt.Errorf("read an upload: %w", err)
	}

	return f, nil
}

// spellings are other names of types, by WhatsApp's.
var spellings = map[string]string{
	"audio/x-m4a": "audio/mp4", "application/ogg": "audio/ogg", "image/jpg": "image/jpeg",
}

// typeOf is a file's MIME type as WhatsApp writes it: the nearest that WhatsApp takes, since CSV
// is text too, or what it is.
func typeOf(head []byte) string {
	found := mimetype.Detect(head)
	for m := found; m != nil; m = m.Parent() {
		name, _, _ := strings.Cut(m.String(), ";")
		if spelled, ok := spellings[name]; ok {
			name = spelled
		}
		if _, known := whatsapp.MediaTypeOf(name); known {
			return name
		}
	}

	name, _, _ := strings.Cut(found.String(), ";")

	return name
}

// fileName is the last part of a name, as a text that any system takes.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, path.Base(strings.ReplaceAll(name, `\`, "/")))

	if runes := []rune(name); len(runes) > maxFileName {
		name = string(runes[len(runes)-maxFileName:]) // its end says what it is
	}
	if name = strings.TrimSpace(name); name == "" || name == "." || name == "/" {
		return "file"
	}

	return name
}

// uploadExample uploads what a template's reviewers, or visitors of a profile, are to see.
func (s *Service) uploadExample(ctx context.Context, a *ent.Account, in NewUpload, f file) (*Uploaded, error) {
	if problem := whatsapp.ExampleProblem(f.MIME, f.Size); problem != "" {
		return nil, usererror.Refuse("file", usererror.Invalid, "the file %s", problem)
	}

	at, err := s.access(a)
	if err != nil {
		return nil, err
	}

	app := at.AppID
	if app == "" { // the token knows which app is its own
		about, err := at.Client.DebugToken(ctx, at.Token, at.Token)
		if err != nil || about.AppID == "" {
			return nil, usererror.Refuse("accountId", usererror.NotAllowed,
				"WhatsApp does not say which app the access token belongs to; the operator has to set WHATSAPP_APP_ID")
		}

		app = about.AppID
	}

	handle, err := at.Client.UploadExample(ctx, at.Token, app, f.File, in.File)
	if err != nil {
		return nil, account.Explain(ctx, err)
	}

	return &Uploaded{Handle: handle}, s.record(ctx, a.OrganizationID, a.ID, f)
}

// uploadForMessages uploads what is to be sent from a number.
func (s *Service) uploadForMessages(ctx context.Context, sender account.Sender, f file) (*Uploaded, error) {
	if problem := whatsapp.MediaProblem(f.MIME, f.Size, f.head); problem != "" {
		return nil, usererror.Refuse("file", usererror.Invalid, "the file %s", problem)
	}

	kept, err := s.kept(ctx, sender.PhoneNumber.ID, f.sha256)
	if err != nil {
		return nil, err
	}
	if kept != nil {
		return &Uploaded{MediaID: kept.MediaID}, nil
	}

	id, err := s.give(ctx, sender, f.File)
	if err != nil {
		return nil, err
	}

	row := &ent.MediaUpload{FileName: f.Name, MimeType: f.MIME, Sha256: f.sha256, Size: f.Size, MediaID: id}
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := s.keep(ctx, tx, sender, row); err != nil {
			return err
		}

		return audit.Record(ctx, tx, recorded(sender.Account.OrganizationID, sender.PhoneNumber.ID, f))
	})
	if err != nil {
		return nil, fmt.Errorf("keep an upload: %w", err)
	}

	return &Uploaded{MediaID: id}, nil
}

// give uploads a file for a number, and returns WhatsApp's id of it.
func (s *Service) give(ctx context.Context, to account.Sender, f whatsapp.File) (id string, err error) {
	at, err := s.access(to.Account)
	if err != nil {
		return "", err
	}

	if id, err = at.Client.UploadMedia(ctx, at.Token, to.PhoneNumber.MetaID, f); err != nil {
		return "", account.Explain(ctx, err)
	}

	return id, nil
}

// access is to an account, as long as it is connected.
func (s *Service) access(a *ent.Account) (account.Access, error) {
	if a.Status == enum.AccountStatusDisconnected {
		return account.Access{}, usererror.Refuse("accountId", usererror.NotAllowed,
			"the account is disconnected: connect it again")
	}
	return s.accounts.Access(a)
}

// keep notes what a number has at WhatsApp.
func (s *Service) keep(ctx context.Context, tx *database.Tx, sender account.Sender, u *ent.MediaUpload) error {
	now := s.now()
	return tx.Client.MediaUpload.Create().SetOrganizationID(sender.Account.OrganizationID).
		SetAccountID(sender.Account.ID).SetPhoneNumberID(sender.PhoneNumber.ID).
		SetMediaID(u.MediaID).SetSha256(u.Sha256).SetMimeType(u.MimeType).SetFileName(u.FileName).SetSize(u.Size).
		SetUploadedAt(now).SetExpiresAt(now.Add(whatsapp.UploadLasts)).Exec(ctx)
}

// kept is the file that a number has with that content, for long enough to be sent; nil for none.
func (s *Service) kept(ctx context.Context, phoneNumber uid.ID, sha256 string) (*ent.MediaUpload, error) {
	u, err := s.db.Client.MediaUpload.Query().
		Where(mediaupload.PhoneNumberID(phoneNumber), mediaupload.Sha256(sha256),
			mediaupload.ExpiresAtGT(s.now().Add(goodFor))).
		Order(mediaupload.ByExpiresAt()).First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find an upload: %w", err)
	}

	return u, nil
}

func (s *Service) record(ctx context.Context, organization, subject uid.ID, f file) error {
	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		return audit.Record(ctx, tx, recorded(organization, subject, f))
	})
	if err != nil {
		return fmt.Errorf("record an upload: %w", err)
	}

	return nil
}

func recorded(organization, subject uid.ID, f file) audit.Entry {
	return audit.Entry{Organization: organization, Action: audit.ActionMediaUpload, Subject: subject,
		Summary: fmt.Sprintf("uploaded %q (%s, %d bytes)", f.Name, f.MIME, f.Size)}
}
