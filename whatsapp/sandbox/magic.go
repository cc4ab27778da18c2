package sandbox

// Magic is a recipient whose messages always meet the same fate.
type Magic struct {
	Number string // digits, as in wa_id; E.164 with a "+" before them
	Does   string // for people

	refuse int  // error code of the HTTP answer
	fickle bool // refuses only every other request of a sending number, beginning with the first
	fail   int  // error code of a failed status
	late   bool // the failed status comes after a sent one
	until  step // the last status; 0 means read
	lose   bool // accepted, but the connection is closed without an answer
	hold   bool // held for quality assessment first
}

// Magics lists the magic recipients: +1 416 555 0100 to 0199, which the North American plan
// reserves for fiction, so that they are valid for every phone number library and reach nobody.
// They are Canada's: to the United States, marketing fails whatever the number.
var Magics = []Magic{
	{Number: "14165550100",
		Does: "accepted, sent, delivered, read (as every other number, but never by chance otherwise)"},
	{Number: "14165550101", Does: "accepted, sent, then nothing more", until: stepSent},
	{Number: "14165550102", Does: "accepted, sent, delivered, never read", until: stepDelivered},
	{Number: "14165550103", Does: "accepted as held_for_quality_assessment; sent, delivered, read after --hold-for",
		hold: true},
	{Number: "14165550104", Does: "accepted, but the connection is closed without an answer; then sent, delivered, read",
		lose: true},
	{Number: "14165550105", Does: "accepted, then silence: no status ever", until: stepNone},

	{Number: "14165550110", Does: "every other request, first included: HTTP 500, 131000 Something went wrong",
		refuse: 131000, fickle: true},
	{Number: "14165550111", Does: "every other request, first included: 130429 Rate limit hit", refuse: 130429,
		fickle: true},
	{Number: "14165550112", Does: "every other request, first included: 131056 pair rate limit hit", refuse: 131056,
		fickle: true},
	{Number: "14165550113", Does: "every other request, first included: HTTP 503, code 2 temporary downtime",
		refuse: 2, fickle: true},

	{Number: "14165550120", Does: "refused: 131030 recipient not in allowed list", refuse: 131030},
	{Number: "14165550121", Does: "refused: 100 Invalid parameter", refuse: 100},
	{Number: "14165550122", Does: "refused: 132000 wrong number of parameters", refuse: 132000},
	{Number: "14165550123", Does: "refused: 132001 template does not exist in the translation", refuse: 132001},
	{Number: "14165550124", Does: "refused: 132015 template is paused", refuse: 132015},
	{Number: "14165550125", Does: "refused: 132016 template is disabled", refuse: 132016},
	{Number: "14165550126", Does: "refused: 131042 business eligibility payment issue", refuse: 131042},
	{Number: "14165550127", Does: "refused: HTTP 401, 190 access token invalid", refuse: 190},
	{Number: "14165550128", Does: "refused: 131048 spam rate limit hit", refuse: 131048},
	{Number: "14165550129", Does: "refused: 133010 phone number not registered", refuse: 133010},
	{Number: "14165550130", Does: "refused: 131009 parameter value is not valid", refuse: 131009},
	{Number: "14165550131", Does: "refused: 132012 parameter format mismatch", refuse: 132012},
	{Number: "14165550132", Does: "refused: 132005 translated text too long", refuse: 132005},

	{Number: "14165550140", Does: "accepted, then failed: 131026 undeliverable (not on WhatsApp)", fail: 131026},
	{Number: "14165550141", Does: "accepted, then failed: 131049 not delivered to maintain healthy ecosystem engagement",
		fail: 131049},
	{Number: "14165550142", Does: "accepted, then failed: 131050 user stopped marketing messages", fail: 131050},
	{Number: "14165550143", Does: "accepted, then failed: 130472 user is part of an experiment", fail: 130472},
	{Number: "14165550144", Does: "accepted, then failed: 131047 re-engagement message (24-hour window closed)",
		fail: 131047},
	{Number: "14165550145", Does: "accepted, then failed: 131053 media upload error", fail: 131053},
	{Number: "14165550146", Does: "accepted, then failed: 131000 something went wrong", fail: 131000},
	{Number: "14165550147", Does: "held_for_quality_assessment, then failed after --hold-for: 132015 template is paused",
		fail: 132015, hold: true},
	{Number: "14165550148", Does: "accepted, sent, then failed: 131026 undeliverable", fail: 131026, late: true},
	{Number: "14165550149", Does: "accepted, then failed: 131042 business eligibility payment issue", fail: 131042},
}

// magics finds a magic recipient by its digits.
var magics = func() map[string]*Magic {
	found := make(map[string]*Magic, len(Magics))
	for i := range Magics {
		found[Magics[i].Number] = &Magics[i]
	}

	return found
}()

// MagicName is an ending of a template's name that decides its review.
type MagicName struct{ Ending, Does string }

// MagicNames lists the endings.
var MagicNames = []MagicName{
	{"_rejected", "the review ends in REJECTED, reason INVALID_FORMAT"},
	{"_rejected_scam", "the same with that reason; so with abusive_content, incorrect_category, promotional, " +
		"tag_content_mismatch"},
	{"_in_review", "the review never ends: the template stays PENDING"},
	{"_recategorized", "a UTILITY template is created as MARKETING"},
	{"_category_announced", "once it is approved it is announced that a UTILITY template will be MARKETING in a day"},
	{"_paused", "it is approved, and then paused at once"},
	{"_disabled", "it is approved, and then disabled at once"},
	{"_reinstated", "it is disabled, and then REINSTATED: it can be sent again"},
	{"_archived", "it is approved, and then archived at once"},
	{"_unarchived", "the same, and then UNARCHIVED: it can be sent again"},
	{"_in_appeal", "it is rejected, and then IN_APPEAL"},
	{"_flagged", "it is approved, and flagged: to be disabled in a day, which nothing does"},
	{"_locked", "it is approved, and locked: it cannot be edited"},
	{"_limit_exceeded", "it is LIMIT_EXCEEDED, as beyond the templates that an account may have"},
	{"_pending_deletion", "it is approved, and then PENDING_DELETION at once"},
	{"_deleted", "it is approved, and then deleted at once"},
	{"_paced", "it is approved and paced: after ten messages the others are held for --hold-for, and then sent"},
	{"_paced_badly", "the same, but then the template is paused, and what was held fails with 132015"},
}
