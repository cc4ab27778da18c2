package graphiql_test

import (
	"os"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"

	"carillon/graph/graphiql"
)

// TestLinks shares a browser, as starting one takes longer than all of them.
func TestLinks(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	page := startServer(t).URL + graphiql.Path

	for name, test := range map[string]func(*testing.T, *browser, func(key string) string){
		"a link that loads the page replaces the kept key only with consent": loadingLink,
		"a link within the page replaces the kept key only with consent":     linkWithinThePage,
		"a link with a key that is refused leaves the kept key":              refusedLink,
		"a link with the kept key or none is not asked about":                needlessLink,
	} {
		t.Run(name, func(t *testing.T) {
			b.t, b.events = t, nil
			b.call("Runtime.evaluate", map[string]any{"expression": "sessionStorage.clear()"}) // what the last test kept
			b.open("about:blank")
			link := func(key string) string { return page + graphiql.KeyFragment(key) }
			b.open(link("crk_mine")) // without a kept key no question is asked
			b.uses("crk_mine")
			test(t, b, link)
		})
	}
}

// uses waits until the page works with a key, and the address and the screen hold nothing of a
// link.
func (b *browser) uses(key string) {
	b.t.Helper()
	b.await(`location.hash === '' && !document.querySelector('dialog') &&
		document.body.innerText.replaceAll('\u00a0', ' ').includes('Bearer ` + key + `')`)
	b.await(`sessionStorage.getItem('carillon.key') === '` + key + `'`)
}

// asks waits for a dialog that says something, while the key has left the address and the kept one
// is still the old one.
func (b *browser) asks(said ...string) {
	b.t.Helper()
	for _, text := range said {
		b.await(`location.hash === '' && sessionStorage.getItem('carillon.key') === 'crk_mine' &&
			document.querySelector('dialog[open]').innerText.includes('` + text + `')`)
	}
}

func loadingLink(_ *testing.T, b *browser, link func(key string) string) {
	b.open("about:blank")
	b.open(link("crk_theirs"))
	b.asks("Their Company", "Spring <b>sale</b>")
	b.await(`document.activeElement.innerText === 'Keep the key in use'`)
	b.press("Keep the key in use")
	b.uses("crk_mine")

	b.open("about:blank")
	b.open(link("crk_theirs"))
	b.asks("Their Company")
	b.press("Change")
	b.uses("crk_theirs")
}

func linkWithinThePage(_ *testing.T, b *browser, link func(key string) string) {
	b.follow(link("crk_theirs"))
	b.asks("Their Company", "Spring <b>sale</b>")
	for _, kind := range []string{"keyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Escape", "windowsVirtualKeyCode": 27})
	}

	b.uses("crk_mine")

	// A second link that comes while the first is asked about leaves the address at once too.
	b.follow(link("crk_theirs"))
	b.asks("Their Company", "Spring")
	b.follow(link("crk_sender"))
	b.asks("Their Company", "Spring")
	b.press("Keep the key in use")
	b.asks("Sender", "the key may not read it")
	b.press("Keep the key in use")

	b.follow(link("crs_person"))
	b.asks("Their Company", "Session of", "eve@example.com")
	b.press("Change")
	b.until(func(e event) bool { return e.Method == "Page.loadEventFired" })
	b.uses("crs_person")
}

func refusedLink(_ *testing.T, b *browser, link func(key string) string) {
	for key, reason := range map[string]string{
		"crk_revoked":           "It is not valid",
		"crk_fault":             "could not be found out", // the API answers nothing of use
		"no key at all\n\u00fc": "could not be found out", // no header can hold it
	} {
		b.follow(link(key))
		b.asks(reason, "stays")
		b.press("Continue")
		b.uses("crk_mine")
	}

	b.open("about:blank")
	b.open(link("crk_revoked"))
	b.asks("It is not valid", "stays")
	b.press("Continue")
	b.uses("crk_mine")
}

func needlessLink(t *testing.T, b *browser, link func(key string) string) {
	for _, key := range []string{"crk_mine", ""} {
		b.follow(link(key))
		b.uses("crk_mine")
	}

	b.open("about:blank")
	b.open(link("crk_mine"))
	b.uses("crk_mine")

	for _, e := range b.events {
		if e.Method == "Network.requestWillBeSent" && strings.Contains(string(e.raw), "KeyOfLink") {
			t.Errorf("the API was asked whose the key is: %s", e.raw)
		}
	}
}

func TestQuestionWhoseAKeyIsFitsTheSchema(t *testing.T) {
	t.Parallel()
	query, err := os.ReadFile("web/key.graphql")
	if err != nil {
		t.Fatal(err)
	}

	if _, errs := gqlparser.LoadQueryWithRules(publicSchema(t), string(query), nil); len(errs) > 0 {
		t.Error(errs)
	}
}
