package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"carillon/whatsapp"
)

// Code is every verification code that a number is sent.
const Code = "123456"

const (
	entriesMost = 10 // registrations and deregistrations of a number …
	entriesSpan = 72 * time.Hour
	codesMost   = 5 // codes in an hour; Meta does not publish its limit
)

// numberState is what changes of a number besides its registration, as the state file keeps it.
type numberState struct {
	NumberID  string          `json:"number_id"`
	Verified  bool            `json:"verified"`
	Asked     bool            `json:"asked,omitempty"` // a code is on its way
	Quality   string          `json:"quality"`
	Status    string          `json:"status,omitempty"` // other than CONNECTED
	Name      string          `json:"name,omitempty"`
	PerSecond int             `json:"per_second,omitempty"`
	Username  string          `json:"username,omitempty"`
	Profile   profile         `json:"profile"`
	Elsewhere map[string]bool `json:"elsewhere,omitempty"` // people whose conversation another app holds
}

func (st numberState) copied() numberState {
	st.Elsewhere, st.Profile.Websites = maps.Clone(st.Elsewhere), slices.Clone(st.Profile.Websites)
	return st
}

// restoreState takes up a state. New runs it alone, so it needs no lock.
func (n *number) restoreState(st numberState) {
	if n.state = st; st.Name != "" {
		n.VerifiedName = st.Name
	}
	if st.PerSecond > 0 {
		n.Throughput = st.PerSecond
		n.limit.Store(int64(st.PerSecond))
	}
}

// changeNumber changes a number's state, and keeps it.
func (s *Sandbox) changeNumber(id string, edit func(*numberState)) (*number, error) {
	s.catalog.Lock()
	n := s.catalog.numbers[id]
	if n == nil {
		s.catalog.Unlock()
		return nil, fmt.Errorf("phone number %s is unknown to the sandbox", id)
	}

	edit(&n.state)
	n.restoreState(n.state)
	kept := n.state.copied()
	s.catalog.Unlock()
	s.journal.put(s, record{NumberState: &kept})

	return n, nil
}

// NumberChange is what Meta changes of a number; what is empty stays.
type NumberChange struct {
	Quality    string `json:"quality"` // GREEN, YELLOW, RED
	Name       string `json:"name"`    // approved
	Throughput int    `json:"throughput"`
	Status     string `json:"status"` // CONNECTED, FLAGGED, RESTRICTED …
	Username   string `json:"username"`
}

// ChangeNumber changes a number as Meta does, and posts the webhook of each change.
func (s *Sandbox) ChangeNumber(phoneNumberID string, c NumberChange) error {
	n, err := s.changeNumber(phoneNumberID, func(st *numberState) {
		if c.Quality != "" {
			st.Quality = c.Quality
		}
		if c.Name != "" {
			st.Name = c.Name
		}
		if c.Throughput > 0 {
			st.PerSecond = c.Throughput
		}
		if c.Status != "" {
			st.Status = c.Status
		}
		if c.Username != "" {
			st.Username = c.Username
		}
	})
	if err != nil {
		return err
	}

	tell := func(field string, value map[string]any) {
		value["display_phone_number"] = n.digits
		s.tell(n.account, nil, field, value)
	}

	if c.Quality != "" || c.Status != "" {
		event := "UNFLAGGED"
		if c.Quality == "RED" || c.Status == "FLAGGED" {
			event = "FLAGGED"
		}

		tell("phone_number_quality_update", map[string]any{"event": event, "max_daily_conversations_per_business": s.tier()})
	}

	if c.Throughput > 0 {
		tell("phone_number_quality_update", map[string]any{"event": "THROUGHPUT_UPGRADE",
			"max_daily_conversations_per_business": s.tier()})
	}
	if c.Name != "" {
		tell("phone_number_name_update", map[string]any{"decision": "APPROVED", "requested_verified_name": c.Name,
			"rejection_reason": nil})
	}
	if c.Username != "" {
		tell("business_username_updates", map[string]any{"username": c.Username, "status": "approved"})
	}

	return nil
}

func inspectNumber(s *Sandbox, r *http.Request) (any, error) {
	body, err := parsed[struct {
		PhoneNumberID string `json:"phone_number_id"`
		NumberChange
	}](r)
	if err != nil {
		return nil, err
	}

	return nil, s.ChangeNumber(body.PhoneNumberID, body.NumberChange)
}

// enterOrLeave counts a registration or deregistration. The caller holds the catalog's lock.
func (s *Sandbox) enterOrLeave(n *number) *refusal {
	if n.inApp(s.options.Load()) {
		return invalid("The number is used in the WhatsApp Business app, which registers it.")
	}
	if s.options.Load().NoLimits || n.entries.admit(s.now().UnixNano(), entriesMost, entriesSpan) {
		return nil
	}
	return refuse(133016, "The number was registered or deregistered more than %d times in 72 hours.", entriesMost)
}

// inApp says whether the WhatsApp Business app uses a number, too: that has its fixed rate.
func (n *number) inApp(o *Options) bool { return n.perSecond(o) <= 20 }

// guessesMost is after how many wrong PINs in an hour no other is taken. Meta does not publish its
// number.
const guessesMost = 3

// guess holds a PIN to the number's. The caller holds the catalog's lock.
func (s *Sandbox) guess(n *number, pin string) *refusal {
	now := s.now()
	n.guesses = slices.DeleteFunc(n.guesses, func(at time.Time) bool { return now.Sub(at) >= time.Hour })
	switch {
	case len(n.guesses) >= guessesMost:
		return refuse(133008, "Please try again after %d seconds.", int(n.guesses[0].Add(time.Hour).Sub(now).Seconds()))
	case pin != n.pin:
		n.guesses = append(n.guesses, now)
		return refuse(133005, "The PIN is not the number's.")
	}

	return nil
}

func (s *Sandbox) deregister(c *call, n *number) *refusal {
	s.catalog.Lock()
	no := s.enterOrLeave(n)
	if no == nil && n.Unregistered {
		no = refuse(133010, "The number is not registered.")
	}

	s.catalog.Unlock()
	if no != nil {
		return no
	}

	s.setRegistration(n, registration{NumberID: n.ID})
	s.succeed(c.w)

	return nil
}

var codeLanguage = regexp.MustCompile(`^[a-z]{2,3}(_[A-Z]{2})?$`)

func (s *Sandbox) requestCode(c *call, n *number) *refusal {
	q := c.r.URL.Query()
	if method := q.Get("code_method"); method != "SMS" && method != "VOICE" {
		return invalid("Param code_method must be one of {SMS, VOICE} - got %q.", method)
	}
	if !codeLanguage.MatchString(q.Get("language")) {
		return invalid("Param language must be a language code - got %q.", q.Get("language"))
	}

	s.catalog.Lock()
	admitted := n.codes.admit(s.now().UnixNano(), codesMost, time.Hour)
	s.catalog.Unlock()
	if !admitted {
		return refuse(136024, "Too many codes were asked for. Try again later.")
	}

	_, _ = s.changeNumber(n.ID, func(st *numberState) { st.Asked = true }) // it is known
	s.succeed(c.w)

	return nil
}

func (s *Sandbox) verifyCode(c *call, n *number) *refusal {
	s.catalog.RLock()
	asked := n.state.Asked
	s.catalog.RUnlock()
	if !asked || c.r.URL.Query().Get("code") != Code {
		return refuse(136025, "The code is not the one that was sent.")
	}

	_, _ = s.changeNumber(n.ID, func(st *numberState) { st.Asked, st.Verified = false, true }) // it is known
	s.succeed(c.w)

	return nil
}

// profile is a number's public business profile.
type profile struct {
	About       string   `json:"about,omitempty"`
	Address     string   `json:"address,omitempty"`
	Description string   `json:"description,omitempty"`
	Email       string   `json:"email,omitempty"`
	Websites    []string `json:"websites,omitempty"`
	Vertical    string   `json:"vertical,omitempty"`
	Picture     string   `json:"profile_picture_url,omitempty"`
}

func (s *Sandbox) showProfile(c *call, n *number) *refusal {
	s.catalog.RLock()
	p := n.state.copied().Profile
	name := n.VerifiedName
	s.catalog.RUnlock()
	if p.About == "" {
		p.About = name
	}
	if p.Vertical == "" {
		p.Vertical = "OTHER"
	}

	s.write(c.w, http.StatusOK, map[string]any{"data": []any{struct {
		profile
		Product string `json:"messaging_product"`
	}{p, "whatsapp"}}})

	return nil
}

// verticals are the trades that a profile can name.
var verticals = strings.Fields(`UNDEFINED OTHER AUTO BEAUTY APPAREL EDU ENTERTAIN EVENT_PLAN FINANCE GROCERY GOVT HOTEL
	HEALTH NONPROFIT PROF_SERVICES RETAIL TRAVEL RESTAURANT NOT_A_BIZ ALCOHOL ONLINE_GAMBLING PHYSICAL_GAMBLING OTC_DRUGS
	MATRIMONY_SERVICE`)

// handlePattern is the form of an upload's handle.
var handlePattern = regexp.MustCompile(`^[0-9]+:`)

func (s *Sandbox) setProfile(c *call, n *number) *refusal {
	var body struct {
		Product     string    `json:"messaging_product"`
		About       *string   `json:"about"`
		Address     *string   `json:"address"`
		Description *string   `json:"description"`
		Email       *string   `json:"email"`
		Websites    *[]string `json:"websites"`
		Vertical    *string   `json:"vertical"`
		Handle      *string   `json:"profile_picture_handle"`
	}
	if no := decode(c.r, &body); no != nil {
		return no
	}
	if body.Product != "whatsapp" {
		return invalid("The parameter messaging_product is required.")
	}

	for _, text := range []struct {
		name  string
		value *string
		most  int
	}{{"about", body.About, 139}, {"address", body.Address, 256}, {"description", body.Description, 512},
		{"email", body.Email, 128}} {
		if text.value != nil && (utf8.RuneCountInString(*text.value) > text.most ||
			text.name == "about" && *text.value == "") {
			return invalid("Param %s must be at most %d characters long.", text.name, text.most)
		}
	}

	if body.Vertical != nil && !slices.Contains(verticals, *body.Vertical) {
		return invalid("Param vertical must be one of {%s} - got %q.", strings.Join(verticals, ", "), *body.Vertical)
	}
	if body.Handle != nil && (!handlePattern.MatchString(*body.Handle) || whatsapp.PictureProblem(*body.Handle) != "") {
		return invalid("Param profile_picture_handle is not the handle of an uploaded picture.")
	}

	if body.Websites != nil {
		if len(*body.Websites) > 2 {
			return invalid("Param websites must have at most 2 elements.")
		}

		for _, site := range *body.Websites {
			if u, err := url.Parse(site); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" ||
				utf8.RuneCountInString(site) > 256 {
				return invalid("Param websites must hold addresses with http:// or https://, of 256 characters at most.")
			}
		}
	}

	_, _ = s.changeNumber(n.ID, func(st *numberState) { // it is known
		p := &st.Profile
		for to, from := range map[*string]*string{&p.About: body.About, &p.Address: body.Address,
			&p.Description: body.Description, &p.Email: body.Email, &p.Vertical: body.Vertical} {
			if from != nil {
				*to = *from
			}
		}

		if body.Websites != nil {
			p.Websites = *body.Websites
		}
		if body.Handle != nil {
			p.Picture = fmt.Sprintf("https://sandbox.invalid/picture/%016x", recipientKey(*body.Handle))
		}
	})

	s.succeed(c.w)

	return nil
}

var usernamePattern = regexp.MustCompile(`^[A-Za-z0-9_](\.?[A-Za-z0-9_]){2,34}$`)

// username answers for a number's business username. One is approved at once, and told by webhook.
func (s *Sandbox) username(c *call, n *number) *refusal {
	switch c.r.Method {
	case http.MethodGet:
		s.catalog.RLock()
		name := n.state.Username
		s.catalog.RUnlock()
		if name == "" {
			s.write(c.w, http.StatusOK, map[string]any{"status": "deleted"})
			return nil
		}

		s.write(c.w, http.StatusOK, map[string]any{"username": name, "status": "approved"})

		return nil
	case http.MethodDelete:
		_, _ = s.changeNumber(n.ID, func(st *numberState) { st.Username = "" }) // it is known
		s.tell(n.account, nil, "business_username_updates",
			map[string]any{"display_phone_number": n.digits, "status": "deleted"})
		s.succeed(c.w)

		return nil
	}

	var body struct {
		Username string `json:"username"`
	}
	if no := decode(c.r, &body); no != nil {
		return no
	}
	if !usernamePattern.MatchString(body.Username) {
		return invalid("Param username has 3 to 35 letters, digits, points and underscores.")
	}

	s.catalog.RLock()
	taken := false
	for _, other := range s.catalog.numbers {
		taken = taken || other != n && strings.EqualFold(other.state.Username, body.Username)
	}

	s.catalog.RUnlock()
	if taken {
		return refuse(147001, "The username %s is another's.", body.Username)
	}
	if err := s.ChangeNumber(n.ID, NumberChange{Username: body.Username}); err != nil {
		return invalid("%s", err)
	}

	s.write(c.w, http.StatusOK, map[string]any{"status": "approved"})

	return nil
}
