package delivery

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"carillon/drawingtest"
)

var decisionNames = map[FactKind]string{Refused: "Refused", Retry: "Retry", Return: "Return", Lost: "Lost",
	GiveUp: "GiveUp", SendAgain: "SendAgain", Skip: "Skip", Expire: "Expire", Cancel: "Cancel", Requeue: "Requeue"}

func TestTheDrawingOfMessagesIsTheTable(t *testing.T) {
	t.Parallel()
	arrows := drawingtest.Arrows{}
	arrows.Add("QUEUED", "SENDING", "Claim") // which is one statement of the queue's, for many messages
	for _, from := range []string{"SENDING", "UNKNOWN"} {
		arrows.Add(from, "reported", "a report")
	}

	for kind, move := range moves {
		if decisionNames[kind] == "" {
			t.Errorf("the move %d has no name in this test", kind)
		}

		arrows.Add(string(move.from), string(move.to), decisionNames[kind])
	}

	drawingtest.Compare(t, "Message", arrows)
}

func TestTheTableOfRanksIsInTheDocs(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}

	_, table, _ := strings.Cut(string(text), "| Rank | Status |\n|---|---|\n")
	got := map[string]int{}

	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		rank, err := strconv.Atoi(strings.TrimSpace(cells[0]))
		if err != nil || len(cells) != 2 {
			break
		}

		for _, status := range strings.Split(cells[1], ",") {
			got[strings.TrimSpace(status)] = rank
		}
	}

	for status, rank := range ranks {
		if n, is := got[string(status)]; !is || n != rank {
			t.Errorf("the docs give %s the rank %d, %v; it is %d", status, n, is, rank)
		}
	}

	if len(got) != len(ranks) {
		t.Errorf("the docs rank %v", slices.Collect(func(yield func(string) bool) {
			for status := range got {
				if !yield(status) {
					return
				}
			}
		}))
	}
}
