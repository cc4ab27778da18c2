package demo

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The people made up live in area code 555, which no numbering plan has given out: a message to
// them would reach nobody. Meta's own test numbers are there too, with other digits behind it.
const (
	madeUpPrefix = "+1555"
	madeUpFirst  = 200_0000 // an exchange begins with 2 to 9
	madeUpLast   = 999_9999
)

var (
	givenNames = []string{"Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Grace", "Hiro", "Ines", "Jonas",
		"Keiko", "Liam", "Mei"}
	familyNames = []string{"Almeida", "Bergström", "Castillo", "Dubois", "Eriksen", "Fischer", "García", "Hoang",
		"Ivanova", "Jansen", "Kim"}
	cities = []string{"Lisbon", "Uppsala", "Bogotá", "Lyon", "Bergen", "Graz", "Hanoi"}
)

// rows makes a CSV file of n people: the first of those given, and as many made up as they lack,
// the same each time.
func rows(given []byte, n int) ([]byte, error) {
	r := csv.NewReader(bytes.NewReader(given))
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("read the file of contacts: %w", err)
	}

	column := func(name string) int {
		return slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), name) })
	}
	if column("phone") < 0 {
		return nil, fmt.Errorf("the file of contacts has no column phone: its columns are %s", strings.Join(header, ", "))
	}
	if n > madeUpLast-madeUpFirst {
		return nil, fmt.Errorf("%d recipients are more than this can make up", n)
	}

	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(header) // to memory; Error below would tell
	taken := map[string]bool{}
	written := 0

	for ; written < n; written++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the file of contacts: %w", err)
		}

		taken[digits(row[column("phone")])] = true
		_ = w.Write(row)
	}

	for i := 0; written < n; i++ {
		phone := fmt.Sprintf("%s%07d", madeUpPrefix, madeUpFirst+i)
		if taken[digits(phone)] {
			continue
		}

		row := make([]string, len(header))
		for name, value := range map[string]string{
			"phone": phone, "name": givenNames[i%len(givenNames)] + " " + familyNames[i%len(familyNames)],
			"language": "en", "country": "US", "city": cities[i%len(cities)],
		} {
			if at := column(name); at >= 0 {
				row[at] = value
			}
		}

		_ = w.Write(row)
		written++
	}

	w.Flush()

	return out.Bytes(), w.Error()
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
