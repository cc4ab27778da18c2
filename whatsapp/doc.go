// Package whatsapp speaks Meta's WhatsApp Cloud API, both ways, and is the only place that
// knows its JSON: it sends messages, reads accounts, numbers and templates, turns webhooks
// into plain facts, and says of every error code what it means and what to do next. It
// promises that an answer to Send tells apart what was certainly not sent from what may have
// been, that nothing Meta could post makes it panic or lose a sibling, and that no token
// ever reaches an error or a log.
package whatsapp
