package main

import (
	"fmt"
	"strings"
	"time"

	"carillon/uid"
)

// page is what a list shows of its rows; each list is asked for its first and its last page.
var pages = map[string]string{
	"messages":       `edges { node { id status to text error { code } campaign { name } template { name } phoneNumber { displayNumber } contact { name } events { sequence status } } } pageInfo { hasNextPage endCursor }`,
	"campaigns":      `edges { node { id name status template { name } phoneNumber { displayNumber } createdBy { id } progress { total failures { code count } } audience { lists { name size } } } } pageInfo { endCursor }`,
	"contacts":       `edges { node { id name phone lists { name size } consentHistory { consent } } } pageInfo { endCursor }`,
	"contactImports": `edges { node { id fileName rejected rejections { line } } } pageInfo { endCursor }`,
	"contactLists":   `edges { node { id name size } } pageInfo { endCursor }`,
	"templates":      `edges { node { id name account { name } } } pageInfo { endCursor }`,
	"accounts":       `edges { node { id name messagingLimitUsed phoneNumbers { id queued } } } pageInfo { endCursor }`,
}

// filters are every filter of every list, with values of few rows and of many.
func (p *past) filters(account, number, template, contact uid.ID, phone string) map[string][]string {
	now := time.Now().UTC()
	at := func(days int) string {
		return now.Add(-time.Duration(days) * 24 * time.Hour).Format(`"2006-01-02T15:04:05Z"`)
	}
	id := func(field string, n uid.ID) string { return fmt.Sprintf("%s: %q", field, n.String()) }

	messages := []string{"", id("campaignId", p.campaign), id("templateId", template), id("templateId", p.template),
		id("phoneNumberId", number), id("phoneNumberId", p.number),
		id("contactId", contact), fmt.Sprintf("to: %q", phone), `to: "+14165550000"`,
		`wamid: "wamid.HBgNC4CA4238A0B923820DCC509A6F75849B"`, `errorCode: [131026]`, `errorCode: [131049]`,
		`errorCode: [1]`, "type: [TEXT]", "type: [TEMPLATE]", "type: [STICKER]",
		"direction: INBOUND", "direction: OUTBOUND", "since: " + at(1), "until: " + at(89),
		"since: " + at(40) + ", until: " + at(39), "since: " + at(400) + ", until: " + at(399),
		"direction: INBOUND, " + id("phoneNumberId", number), "direction: INBOUND, " + id("contactId", contact),
		id("campaignId", p.campaign) + ", status: [FAILED]", id("campaignId", p.campaign) + ", errorCode: [131049]",
		id("campaignId", p.campaign) + ", status: [UNKNOWN]", id("campaignId", p.campaign) + ", status: [QUEUED]",
		id("campaignId", p.campaign) + ", status: [READ]",
		"status: [FAILED], since: " + at(40) + ", until: " + at(39), id("templateId", template) + ", status: [FAILED]"}

	for _, status := range []string{"QUEUED", "SENDING", "UNKNOWN", "ACCEPTED", "HELD", "SENT", "DELIVERED", "READ",
		"FAILED", "SKIPPED", "CANCELED", "RECEIVED"} {
		messages = append(messages, "status: ["+status+"]")
	}

	return map[string][]string{
		"messages": messages,
		"campaigns": {"", "status: [COMPLETED]", "status: [RUNNING]", "status: [PAUSED, SCHEDULED]",
			"status: [DRAFT]", id("templateId", p.template), id("templateId", template), id("phoneNumberId", number),
			id("phoneNumberId", p.number),
			`search: "Past 17"`, `search: "nothing like it"`, "createdAfter: " + at(1), "createdBefore: " + at(85)},
		"contacts": {"", fmt.Sprintf("search: %q", phone[:8]), `search: "c4ca4238a0"`, `search: "nothing like it"`,
			id("listIds", p.list), "consent: [OPTED_IN]", "consent: [OPTED_OUT]", `country: ["BR"]`, `country: ["IS"]`,
			`country: ["XX"]`,
			`language: ["pt_BR"]`, `language: ["is"]`, `attributes: [{key: "city", equals: "City 3"}]`,
			`attributes: [{key: "city", equals: "none"}]`, `attributes: [{key: "none", exists: true}]`,
			"createdAfter: " + at(101), "createdBefore: " + at(199)},
		"templates": {"", id("accountId", account), "status: [APPROVED]", "status: [REJECTED]", "category: [UTILITY]",
			"category: [MARKETING]", `language: "en_US"`, `language: "is"`, `search: "past_7"`},
		"contactImports": {""}, "contactLists": {""},
		"accounts": {""},
	}
}

// combinations are what people ask of the log together, some of which no message has.
func combinations(number, rareNumber, template, rareTemplate, campaign, contact, to, lastDay, oneDay string) []string {
	const reference = `reference: "order 100"`
	return []string{reference, `reference: "order none"`, reference + ", status: [READ]", reference + ", " + to,
		"skipReason: [NO_OPT_IN]", "skipReason: [SUPPRESSED]", "skipReason: [EXPIRED]",
		"skipReason: [NO_OPT_IN], " + campaign, "skipReason: [SUPPRESSED], " + campaign, "skipReason: [NO_OPT_IN], " + oneDay,
		"skipReason: [SUPPRESSED], " + number, "skipReason: [NO_OPT_IN, SUPPRESSED]",
		"type: [TEXT], direction: OUTBOUND", "type: [TEXT], direction: INBOUND", "type: [IMAGE], direction: INBOUND",
		"type: [TEMPLATE], direction: INBOUND", "type: [TEXT], status: [FAILED]", "type: [TEXT], " + oneDay,
		"type: [TEMPLATE], " + campaign, "type: [TEXT], " + campaign, "type: [TEXT], " + template,
		number + ", status: [FAILED]", number + ", status: [UNKNOWN]", rareNumber + ", status: [READ]",
		rareNumber + ", status: [FAILED]", number + ", errorCode: [131049]", number + ", " + oneDay,
		number + ", " + template, rareNumber + ", " + template,
		"status: [FAILED, UNKNOWN]", "status: [HELD, UNKNOWN]", "status: [SENT, DELIVERED, READ]",
		"status: [FAILED], errorCode: [131049]", "status: [READ], errorCode: [131026]", "errorCode: [131026, 131049]",
		"errorCode: [131026], " + oneDay, "errorCode: [131049], " + lastDay, "errorCode: [131026], " + template,
		"errorCode: [131049], " + rareTemplate,
		template + ", " + oneDay, rareTemplate + ", " + oneDay, rareTemplate + ", status: [FAILED]",
		campaign + ", " + template, campaign + ", " + rareTemplate, campaign + ", " + rareNumber, campaign + ", " + to,
		campaign + ", " + contact, campaign + ", " + oneDay, campaign + ", " + number + ", status: [FAILED]",
		contact + ", status: [READ]", contact + ", status: [FAILED]", contact + ", " + oneDay, to + ", status: [READ]",
		to + ", direction: INBOUND", to + ", type: [TEXT]", to + ", " + oneDay, "direction: INBOUND, " + oneDay,
		"direction: OUTBOUND, type: [TEMPLATE], status: [READ], " + number,
		"direction: INBOUND, status: [FAILED]", "direction: OUTBOUND, status: [RECEIVED]"}
}

var orders = map[string][]string{
	"messages":       {"CREATED_AT"},
	"campaigns":      {"CREATED_AT", "NAME"},
	"contacts":       {"CREATED_AT", "PHONE"},
	"contactImports": {"CREATED_AT"}, "contactLists": {"CREATED_AT", "NAME"},
	"templates": {"CREATED_AT", "UPDATED_AT", "NAME"},
	"accounts":  {"CONNECTED_AT", "NAME"},
}

// questions are all queries of the contract, by name.
func (p *past) questions(account, number, template, contact, message uid.ID, phone string) map[string]string {
	all := map[string]string{
		"viewer": `{ viewer { user { name } organization { name } memberships { role } sessions { id } mustAcceptTerms } }`,
		"terms":  `{ terms { version } }`,
		"node": fmt.Sprintf(
			`{ node(id: %q) { id ... on Message { status events { sequence } campaign { messages(first: 5) { edges { node { id } } } } } } }`,
			message.String()),
		"nodes": fmt.Sprintf(`{ nodes(ids: [%q, %q, %q, %q, %q, %q, %q]) { id } }`, message.String(), contact.String(),
			p.campaign.String(), template.String(), number.String(), account.String(),
			p.list.String()),
		"node contact": fmt.Sprintf(
			`{ node(id: %q) { id ... on Contact { lists { name size } consentHistory { consent } } } }`, contact.String()),
	}

	for list, filters := range p.filters(account, number, template, contact, phone) {
		for _, filter := range filters {
			given := ""
			if filter != "" {
				given = ", filter: {" + filter + "}"
			}

			all[list+" "+filter] = fmt.Sprintf(
				`{ first: %[1]s(first: 50%[2]s) { %[3]s } last: %[1]s(last: 50%[2]s) { %[3]s } }`, list, given, pages[list])
			if filter == "" || strings.Count(filter, ":") == 1 {
				all["count "+list+" "+filter] = fmt.Sprintf(`{ %s(first: 1%s) { totalCount } }`, list, given)
			}
		}

		for _, order := range orders[list] {
			all[list+" by "+order] = fmt.Sprintf(
				`{ first: %[1]s(first: 50, orderBy: [{field: %[2]s, direction: ASC}]) { %[3]s } last: %[1]s(first: 50, orderBy: [{field: %[2]s, direction: DESC}]) { %[3]s } }`,
				list, order, pages[list])
		}
	}

	for _, filter := range []string{"", "filter: {status: [READ]}", "filter: {status: [FAILED]}", fmt.Sprintf(
		"filter: {messageId: %q}", message.String()), fmt.Sprintf("filter: {campaignId: %q}", p.campaign.String())} {
		all["campaign's messages "+filter] = fmt.Sprintf(
			`{ node(id: %q) { ... on Campaign { progress { total } messages(first: 50 %s) { %s totalCount } } } }`,
			p.campaign.String(), strings.Replace(filter, fmt.Sprintf("messageId: %q", message.String()), "direction: OUTBOUND",
				1), pages["messages"])
	}

	for _, filter := range []string{"", fmt.Sprintf("filter: {campaignId: %q}", p.campaign.String()), fmt.Sprintf(
		"filter: {phoneNumberId: %q}", p.number.String()), fmt.Sprintf("filter: {templateId: %q}", p.template.String()),
		fmt.Sprintf("filter: {messageId: %q}", message.String()), "filter: {status: [FAILED]}",
		"filter: {status: [ACCEPTED]}"} {
		all["deliveryEvents "+filter] = fmt.Sprintf(
			`{ deliveryEvents(first: 200 %s) { cursor events { sequence status message { id to campaign { name } } } } }`,
			filter)
	}

	return all
}

// reports are statistics by every filter, interval and dimension.
func (p *past) reports(account, number, template uid.ID) map[string]string {
	all, now := map[string]string{}, time.Now().UTC()
	since := func(days int) string { return now.Add(-time.Duration(days) * 24 * time.Hour).Format(time.RFC3339) }
	const row = `{ start accepted delivered read country errorCode account { name } phoneNumber { displayNumber } template { name } campaign { name } }`

	for _, filter := range []string{"", fmt.Sprintf(", accountId: %q", account.String()),
		fmt.Sprintf(", phoneNumberId: %q", number.String()), fmt.Sprintf(", phoneNumberId: %q", p.number.String()),
		fmt.Sprintf(", templateId: %q", p.template.String()), fmt.Sprintf(", campaignId: %q", p.campaign.String()),
		", category: MARKETING"} {
		all["statistics of a day"+
			filter] = fmt.Sprintf(`{ statistics(filter: {since: %q, until: %q%s}, interval: HOUR, groupBy: [COUNTRY]) %s }`,
			since(1), since(0), filter, row)
		all["statistics of 90 days"+filter] = fmt.Sprintf(
			`{ statistics(filter: {since: %q, until: %q%s}, interval: DAY) %s }`, since(90), since(0), filter, row)
	}

	for _, d := range []string{"ACCOUNT", "PHONE_NUMBER", "TEMPLATE", "CAMPAIGN", "CATEGORY", "COUNTRY", "ERROR_CODE"} {
		all["statistics by "+d] = fmt.Sprintf(
			`{ statistics(filter: {since: %q, until: %q}, interval: TOTAL, groupBy: [%s]) %s }`, since(30), since(0), d, row)
	}

	return all
}

// timed are what people wait for: the first page of each list by each filter, the messages newest
// first, and a year of statistics.
func (p *past) timed(account, number, template, contact uid.ID, phone string) map[string]string {
	all, now := map[string]string{}, time.Now().UTC()
	id := func(field string, n uid.ID) string { return fmt.Sprintf("%s: %q", field, n.String()) }
	at := func(days int) string { return now.AddDate(0, 0, -days).Format(`"2006-01-02T15:04:05Z"`) }
	lists := p.filters(account, number, template, contact, phone)
	lists["messages"] = append(lists["messages"], combinations(id("phoneNumberId", number),
		id("phoneNumberId", p.number), id("templateId", template), id("templateId", p.template),
		id("campaignId", p.campaign), id("contactId", contact), fmt.Sprintf("to: %q", phone), "since: "+at(1),
		"since: "+at(40)+", until: "+at(39))...)

	for list, filters := range lists {
		for _, filter := range filters {
			given := ""
			if filter != "" {
				given = ", filter: {" + filter + "}"
			}

			all["first page of "+list+" "+filter] = fmt.Sprintf(`{ %s(first: 50%s) { %s } }`, list, given, pages[list])
		}
	}

	for _, filter := range []string{"", fmt.Sprintf(", accountId: %q", account.String()),
		fmt.Sprintf(", phoneNumberId: %q", p.number.String()), fmt.Sprintf(", templateId: %q", p.template.String()),
		fmt.Sprintf(", campaignId: %q", p.campaign.String()), ", category: UTILITY", `, timeZone: "Asia/Shanghai"`} {
		for _, interval := range []string{"DAY", "MONTH"} {
			all["a year of statistics by "+interval+filter] = fmt.Sprintf(
				`{ statistics(filter: {since: %q, until: %q%s}, interval: %s) { start accepted delivered read } }`,
				now.AddDate(-1, 0, 0).Format(time.RFC3339), now.Format(time.RFC3339), filter, interval)
		}
	}

	for _, d := range []string{"ACCOUNT", "PHONE_NUMBER", "TEMPLATE", "CAMPAIGN", "CATEGORY", "COUNTRY", "ERROR_CODE"} {
		all["a year of statistics by "+d] = fmt.Sprintf(
			`{ statistics(filter: {since: %q, until: %q}, interval: TOTAL, groupBy: [%s]) { accepted delivered read } }`,
			now.AddDate(-1, 0, 0).Format(time.RFC3339), now.Format(time.RFC3339), d)
	}

	return all
}
