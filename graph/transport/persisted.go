package transport

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// What clients of automatic persisted queries look for. Upon the first they send the document with
// its hash; upon the second they stop asking by hash.
const (
	textNotPersisted = "PersistedQueryNotFound"
	textNotSupported = "PersistedQueryNotSupported"
)

// persisted is the texts that clients may name by their SHA-256. Each process has its own: one that
// does not know a text is told it by the client that asks for it. See
// github.com/apollographql/apollo-link-persisted-queries.
type persisted struct{ texts *shares[string] }

// find puts the text of the operation into params where the client gave its hash alone. It returns
// the hash of a text that is to be remembered once it has passed the limits.
func (p *persisted) find(params *graphql.RawParams) (hash string, _ *gqlerror.Error) {
	given := params.Extensions["persistedQuery"]
	switch {
	case given == nil:
		return "", nil
	case p == nil:
		if params.Query != "" {
			return "", nil // nothing that needs us
		}
		return "", codedError(codeNotSupported, textNotSupported)
	}

	var asked struct {
		Version    int    `json:"version"`
		Sha256Hash string `json:"sha256Hash"`
	}
	if text, err := json.Marshal(given); err != nil || json.Unmarshal(text, &asked) != nil || asked.Version != 1 ||
		len(asked.Sha256Hash) != sha256.Size*2 {
		return "",
			codedError(codeBadInput, "extensions.persistedQuery must have version 1 and sha256Hash, 64 hexadecimal digits")
	}

	if params.Query == "" {
		text, ok := p.texts.get(asked.Sha256Hash)
		if !ok {
			return "", codedError(codeNotPersisted, textNotPersisted)
		}

		params.Query = text

		return "", nil
	}

	if sum := sha256.Sum256([]byte(params.Query)); hex.EncodeToString(sum[:]) != asked.Sha256Hash {
		return "", codedError(codeBadInput, "extensions.persistedQuery.sha256Hash is not the SHA-256 of the query")
	}

	return asked.Sha256Hash, nil
}

func (p *persisted) add(owner any, hash, text string) {
	p.texts.add(owner, hash, text, len(hash)+len(text)+entryCost)
}
