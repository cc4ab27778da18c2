package whatsapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

const codeStaleCursor = 131059

// pages yields the elements of a list, over all pages. A stale cursor starts the list anew, once.
func (c *Client) pages(ctx context.Context, token Token, path []string, query url.Values) iter.Seq2[json.RawMessage,
	error] {
	return each(func() iter.Seq2[listPage, error] { return c.wholePages(ctx, token, path, query, "") },
		func(page listPage) []json.RawMessage { return page.Data })
}

// each yields what stands on pages. When Meta drops a stale cursor they are read again from the
// start, once, so that something may come twice. It ends at the first other error.
func each[P, T any](read func() iter.Seq2[P, error], on func(P) []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for restarted, again := false, true; again; restarted = true {
			again = false
			for page, err := range read() {
				if again = IsStaleCursor(err) && !restarted; again {
					break
				}

				if err != nil {
					var none T
					yield(none, err)
					return
				}

				for _, element := range on(page) {
					if !yield(element, nil) {
						return
					}
				}
			}
		}
	}
}

// wholePages yields a list page by page, from behind a cursor on, or from its start. It follows
// cursors rather than the "next" links, which hold the token. It ends at the first error.
func (c *Client) wholePages(ctx context.Context, token Token, path []string, query url.Values,
	after string) iter.Seq2[listPage, error] {
	return func(yield func(listPage, error) bool) {
		for {
			page, err := c.page(ctx, token, path, query, after)
			if err != nil {
				yield(listPage{}, err)
				return
			}

			next := page.after()
			if !yield(page, nil) || next == "" {
				return
			}

			if next == after {
				yield(listPage{}, fmt.Errorf("read %s: the list goes in circles", strings.Join(path, "/")))
				return
			}

			after = next
		}
	}
}

// IsStaleCursor says that Meta does not know a list's cursor any more: the list has to be read from
// its start.
func IsStaleCursor(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.Code == codeStaleCursor
}

type listPage struct {
	Data   []json.RawMessage `json:"data"`
	Paging struct {
		Cursors struct {
			After loose `json:"after"`
		} `json:"cursors"`
		Next loose `json:"next"`
	} `json:"paging"`
}

// after is the cursor of the next page; empty at the end, which is where there is no next link.
func (p listPage) after() string {
	if p.Paging.Next == "" {
		return ""
	}
	if p.Paging.Cursors.After != "" {
		return string(p.Paging.Cursors.After)
	}

	next, err := url.Parse(string(p.Paging.Next))
	if err != nil {
		return ""
	}

	return next.Query().Get("after")
}

func (c *Client) page(ctx context.Context, token Token, path []string, query url.Values,
	after string) (listPage, error) {
	ask := make(url.Values, len(query)+1)
	for name, values := range query {
		ask[name] = values
	}

	if after != "" {
		ask.Set("after", after)
	}

	var page listPage
	err := c.call(ctx, http.MethodGet, token, path, ask, nil, &page)

	return page, err
}
