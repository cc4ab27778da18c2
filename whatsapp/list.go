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

// pages yields the elements of a list, over all pages. It follows cursors rather than the "next"
// links, which hold the token. A stale cursor starts the list anew, once.
func (c *Client) pages(ctx context.Context, token Token, path []string, query url.Values) iter.Seq2[json.RawMessage,
	error] {
	return func(yield func(json.RawMessage, error) bool) {
		restarted := false
		after := ""
		for {
			page, err := c.page(ctx, token, path, query, after)
			var failure *Error
			if errors.As(err, &failure) && failure.Code == codeStaleCursor && after != "" && !restarted {
				restarted, after = true, ""
				continue
			}

			if err != nil {
				yield(nil, err)
				return
			}

			for _, element := range page.Data {
				if !yield(element, nil) {
					return
				}
			}

			next := page.after()
			if next == "" {
				return
			}

			if next == after {
				yield(nil, fmt.Errorf("read %s: the list goes in circles", strings.Join(path, "/")))
				return
			}

			after = next
		}
	}
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
