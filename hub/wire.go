package hub

import (
	"encoding/json"
	"strings"

	"carillon/uid"
)

// originLength is that of the random text that each message begins with, to tell who sent it. JSON
// follows.
const originLength = 26

func (h *Hub[E]) logChannel(organization uid.ID) string {
	return h.prefix + ":log:" + organization.String()
}
func (h *Hub[E]) newsChannel(organization uid.ID) string {
	return h.prefix + ":news:" + organization.String()
}

// parse says what a channel carries: a log, or news.
func (h *Hub[E]) parse(channel string) (organization uid.ID, log bool) {
	kind, id, _ := strings.Cut(strings.TrimPrefix(channel, h.prefix+":"), ":")
	organization, _ = uid.Parse(id) // news without an organization gives the zero ID, as it should
	return organization, kind == "log"
}

// hear takes in what another process, or this one, has said.
func (h *Hub[E]) hear(channel, message string) {
	if len(message) < originLength || message[:originLength] == h.origin {
		return
	}

	body := []byte(message[originLength:])
	organization, log := h.parse(channel)
	var err error

	if log {
		err = h.hearEntries(organization, body)
	} else {
		err = h.hearNews(organization, body)
	}

	if err != nil { // by another version of this program, perhaps
		h.log.Warn("cannot read a message on Redis", "channel", channel, "error", err)
	}
}

func (h *Hub[E]) hearEntries(organization uid.ID, body []byte) error {
	f := h.feed(organization)
	if f == nil {
		return nil // the last subscriber has just left
	}

	var entries []E
	if err := json.Unmarshal(body, &entries); err != nil || len(entries) == 0 {
		return err
	}

	h.offer(f, entries)

	return nil
}

func (h *Hub[E]) hearNews(organization uid.ID, body []byte) error {
	var topics []string
	if err := json.Unmarshal(body, &topics); err != nil {
		return err
	}

	h.tell(organization, topics)

	return nil
}

// listening is called when Redis has joined this process to a channel, again perhaps. What was said
// before may be lost.
func (h *Hub[E]) listening(channel string) {
	organization, log := h.parse(channel)
	if !log {
		h.news.signalOrganization(organization)
		return
	}

	h.mu.Lock()
	h.begun[organization] = struct{}{}
	h.mu.Unlock()
	remind(h.look)
}
