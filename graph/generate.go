package graph

// From the module's root, since gqlgen.yml lies there.
//go:generate sh -c "cd .. && go tool gqlgen generate"
