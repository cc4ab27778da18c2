package identity

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/outbox"
	"carillon/uid"
)

// noticeAge is how long a notice is tried to be mailed.
const noticeAge = 24 * time.Hour

// What a user is told by mail has happened to their sign-in.
const (
	noticePasswordChanged = "PASSWORD_CHANGED"
	noticePasswordReset   = "PASSWORD_RESET"
	noticeStartedOver     = "STARTED_OVER"
	noticeFactorAdded     = "FACTOR_ADDED"
	noticeFactorRemoved   = "FACTOR_REMOVED"
	noticeLoginLinked     = "LOGIN_LINKED"
	noticeLoginUnlinked   = "LOGIN_UNLINKED"
)

// notices are their mails. None holds a word that a caller chose.
var notices = map[string]struct{ subject, text string }{
	noticePasswordChanged: {"Your password was changed",
		"the password of the user %s of Carillon was changed on %s by somebody who knew the old one. " +
			"All other sessions are over."},
	noticePasswordReset: {"Your password was changed",
		"a new password was set for the user %s of Carillon on %s, by a link that was mailed to this address or that the " +
			"operator made. " +
			"All sessions are over, and logins at identity providers are unlinked unless you asked to keep them."},
	noticeStartedOver: {"Your address was verified",
		"a new password was set for the user %s of Carillon on %s, by a link that was mailed to this address. " +
			"Nobody had proven this address before. So everything that had been made under it is gone: password, sessions, " +
			"API keys and memberships. " +
			"Organizations that nobody else belonged to are closed. If one was yours, the operator can give it back to you."},
	noticeFactorAdded: {"A second factor was set up",
		"a second factor was set up for the user %s of Carillon on %s. Sign-in asks for its code from now on."},
	noticeFactorRemoved: {"Your second factor was removed",
		"the second factor of the user %s of Carillon was removed on %s. The password is enough to sign in from now on."},
	noticeLoginLinked: {"A login was linked",
		"a login at an identity provider was linked to the user %s of Carillon on %s. Whoever has it can sign in as you."},
	noticeLoginUnlinked: {"A login was unlinked",
		"a login at an identity provider was unlinked from the user %s of Carillon on %s."},
}

// notify has a user told by mail of what the transaction does.
func (s *Service) notify(ctx context.Context, tx *database.Tx, userID uid.ID, kind string) error {
	err := tx.Client.SecurityNotice.Create().SetUserID(userID).SetKind(kind).SetCreatedAt(s.now()).
		SetExpiresAt(s.now().Add(noticeAge)).SetMailAfter(s.now()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("notify user: %w", err)
	}

	return nil
}

func noticeLetter(u *ent.User, n *ent.SecurityNotice) (outbox.Letter, bool) {
	l, known := notices[n.Kind]
	if !known {
		return outbox.Letter{}, false // of a later version of the program
	}

	return outbox.Letter{To: u.Email, Subject: l.subject, Text: fmt.Sprintf("Hello,\n\n"+l.text+
		"\n\nIf this was not you, ask for a new password at once, and tell an owner of your organization.\n", u.Email,
		day(n.CreatedAt))}, true
}
