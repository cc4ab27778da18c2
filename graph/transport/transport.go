// Package transport serves one GraphQL schema over HTTP, server-sent events and WebSocket.
//
// It hides what gqlgen leaves open between a client and a resolver: the statuses of GraphQL over
// HTTP, file uploads, the rules of graphql-transport-ws and of the older graphql-ws, limits on what
// a document may ask for, and codes on errors. It knows no schema and no domain; who is calling and
// what an error means are told by hooks. It promises that every error carries extensions.code, that
// an error nobody explained reads "internal error" and nothing more, that a slow client delays its
// own subscriptions alone, and that no goroutine of its own outlives a connection.
package transport

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Options say what to serve and within which bounds. A number or a duration of zero takes its
// default.
type Options struct {
	Schema graphql.ExecutableSchema

	// Authenticate returns the context that carries the caller. It gets the Authorization header of an
	// HTTP request, or the value from a socket's connection_init, else that of its upgrade request; ""
	// is a stranger, whom it may let pass. Its error goes through PresentError: UNAUTHENTICATED is
	// answered 401, or by closing the socket with 4403.
	Authenticate func(ctx context.Context, authorization string, r *http.Request) (context.Context, error)
	// PresentError turns what a resolver or a hook returned into a message and extensions.code.
	// INTERNAL, or nil, means that the caller learns nothing: the error is logged and masked.
	PresentError func(ctx context.Context, err error) *gqlerror.Error
	// MayIntrospect opens __schema and __type to the caller. Nil keeps them shut.
	MayIntrospect func(ctx context.Context) bool
	// Owner says to whom a socket or an event stream counts, for Websocket.MaxPerOwner: something
	// comparable. Nil counts none.
	Owner func(ctx context.Context) any
	// IsStranger says whether nobody has signed in. Nil says so where Owner gives nil; without an
	// Owner there are no strangers.
	IsStranger func(ctx context.Context) bool
	// Address is the network address of a caller, for bounds on what strangers have in use. Nil takes
	// that of the connection.
	Address func(r *http.Request) string
	// MayUpload is asked before the files of an operation are read, which is long before its resolvers
	// could refuse. Nil lets all.
	MayUpload func(ctx context.Context, op *graphql.OperationContext) error
	// Charge takes the cost of an operation, or of a request that is refused before, from its caller's
	// budgets. It is called once for each, before the operation runs; a subscription pays when it
	// begins. It returns what is left, also with the error that refuses. Nil charges nothing.
	Charge func(ctx context.Context, cost int) ([]Allowance, error)
	// AllowedOrigins are other sites whose pages may call, e.g. "https://app.example.com", or "*" for
	// all. The origin that serves the request always may.
	AllowedOrigins []string

	MaxBody       int64         // bytes of a JSON request; 1 MiB
	MaxUpload     int64         // bytes of a multipart request; 64 MiB
	MaxFiles      int           // of a multipart request; 4
	MaxUploads    int           // multipart requests at a time; 32
	UploadSpace   int64         // bytes of disk that their files may take; 1 GiB
	UploadTimeout time.Duration // of reading one; 10 minutes
	MaxQuery      int           // bytes of a document; 128 KiB
	MaxTokens     int           // of a document; 5000
	MaxDepth      int           // levels of fields; 15
	MaxAliases    int           // 30
	MaxFields     int           // with every fragment spread; 1000
	MaxDirectives int           // 50
	MaxNodes      int           // rows that the page sizes of a document add up to; 50,000
	MaxComplexity int           // by the schema's complexity functions; 50,000
	MaxErrors     int           // in one response; 20
	Timeout       time.Duration // of a query or a mutation, and of reading a request; 30 s
	// bytes of automatic persisted queries that are kept; a 32nd of Memory. Below 0 there are none
	PersistedQueries int

	// Memory is the bytes that callers may fill: half for answers, a quarter for requests, a 16th for
	// those of strangers, an eighth for what subscriptions keep, a 16th for parsed documents. 256 MiB.
	Memory int
	Paging []Paging

	Websocket Websocket

	// OnConnect runs once a socket is authenticated; an error closes it. The context serves
	// CloseConnection for as long as the socket lives. OnDisconnect runs exactly once for each
	// OnConnect that returned nil, with the close code.
	OnConnect    func(ctx context.Context) error
	OnDisconnect func(ctx context.Context, code int)
	// OnOperation is told about every operation when it is over.
	OnOperation func(ctx context.Context, op Operation)
	Logger      *slog.Logger // slog.Default()
}

// Websocket bounds sockets and, where they have the same need, event streams.
type Websocket struct {
	InitTimeout      time.Duration // from the upgrade to connection_init; 5 s
	PingInterval     time.Duration // a peer that is silent for two of them is gone; 20 s
	WriteTimeout     time.Duration // of one frame; 10 s
	CloseTimeout     time.Duration // for the peer to answer a close frame; 3 s
	ReadLimit        int64         // bytes of a message, also when it came compressed; 64 KiB
	QueueFrames      int           // results that wait for a slow peer before its subscriptions wait too; 64
	QueueBytes       int           // and their size; 1 MiB
	MaxSubscriptions int           // operations at a time on one socket; 100
	MaxConnections   int           // sockets and event streams at a time; 10,000
	MaxPerOwner      int           // of these, of one Owner; 0 is no bound of its own
	Compression      bool          // permessage-deflate, where the peer offers it
	ShutdownSpread   time.Duration // over which Shutdown takes leave of the sockets; 5 s
}

// Operation is what is told about an operation that is over: nothing that the client wrote but its
// name.
type Operation struct {
	Name      string // "" where it has none, or none that could be trusted
	Kind      string // query, mutation, subscription; "" where the document was refused
	Transport string // http, sse, websocket
	Duration  time.Duration
	Responses int      // 1, or the events of a subscription
	Codes     []string // of its errors, each once
}

// Handler serves the schema. Its zero value is of no use: call New.
type Handler struct {
	options Options
	exec    execution

	answers         *budget // bytes of answers from when they are made until they are written
	bodies          *budget // bytes of requests in memory
	strangersBodies *budget // and of strangers'
	uploads         *budget // at a time
	space           *budget // bytes of disk for them
	files           atomic.Int64
	operations      operationMetrics
	live            *live
	nobodys         *nobodys
	upgrader        websocket.Upgrader
	log             *slog.Logger

	mu          sync.Mutex
	connections map[connection]struct{}
	owned       map[any]int // connections by owner
	closing     bool
	gone        chan struct{} // closed when closing and the last connection is gone
}

// New panics when Options lack a schema or it is not Served, and when their Paging is wrong:
// mistakes of the program.
func New(o Options) *Handler {
	if o.Schema == nil {
		panic("transport: no schema")
	}

	for _, part := range laterParts {
		if o.Schema.Schema().Directives[part] != nil {
			panic("transport: the schema promises @" + part + ": build it with Served")
		}
	}

	o.setDefaults()
	h := &Handler{options: o, log: o.Logger, connections: map[connection]struct{}{}, owned: map[any]int{},
		gone: make(chan struct{}), operations: newOperationMetrics()}

	h.upgrader = websocket.Upgrader{
		HandshakeTimeout:  o.Websocket.WriteTimeout,
		ReadBufferSize:    1 << 10,
		WriteBufferSize:   4 << 10,
		WriteBufferPool:   &sync.Pool{},
		Subprotocols:      []string{modernProtocol, legacyProtocol},
		CheckOrigin:       h.allowsOrigin,
		EnableCompression: o.Websocket.Compression,
		Error: func(w http.ResponseWriter, r *http.Request, status int, _ error) {
			h.refuse(w, r, &refusal{status: status, code: codeBadInput, message: "this is no WebSocket handshake"})
		},
	}

	h.answers, h.bodies, h.strangersBodies = newBudget(int64(o.Memory/2)), newBudget(int64(o.Memory/4)),
		newBudget(int64(o.Memory/16))
	h.uploads, h.space = newBudget(int64(max(2, o.MaxUploads))), newBudget(o.UploadSpace)
	h.live = newLive(max(4*o.Websocket.MaxConnections, 10*o.Websocket.MaxSubscriptions), o.Memory/8)
	h.nobodys = newNobodys(o.Websocket.MaxConnections)
	h.exec = h.newExecution()

	return h
}

func (h *Handler) newExecution() execution {
	o := h.options
	e := execution{Executor: executor.New(lean{o.Schema}),
		documents: &documents{newShares[*ast.QueryDocument](o.Memory / 16)}, owner: o.Owner}
	if o.PersistedQueries > 0 {
		e.persisted = &persisted{newShares[string](o.PersistedQueries)}
	}

	e.SetErrorPresenter(h.present)
	e.SetRecoverFunc(h.recovered)
	e.SetQueryCache(e.documents)
	e.SetParserTokenLimit(o.MaxTokens)
	e.SetDisableSuggestion(true)
	// Order matters: the document's expanded size bounds the walk that measures complexity, which
	// follows every spread of every fragment anew.
	e.Use(documentLimit{o.MaxQuery, o.MaxTokens, o.MaxFields, e.documents})
	e.Use(introspection{o.MayIntrospect})
	e.Use(sizeLimit{size{depth: o.MaxDepth, aliases: o.MaxAliases, directives: o.MaxDirectives, fields: o.MaxFields}})
	e.Use(inputs{o.Schema.Schema()})
	e.Use(newPageLimit(o.Paging, o.MaxNodes))
	e.Use(extension.FixedComplexityLimit(o.MaxComplexity))
	e.Use(operations{h})

	return e
}

func (o *Options) setDefaults() {
	setDefault(&o.MaxBody, 1<<20)
	setDefault(&o.MaxUpload, 64<<20)
	setDefault(&o.MaxQuery, 128<<10)
	setDefault(&o.MaxTokens, 5000)
	setDefault(&o.MaxDepth, 15)
	setDefault(&o.MaxAliases, 30)
	setDefault(&o.MaxFields, 1000)
	setDefault(&o.MaxDirectives, 50)
	setDefault(&o.MaxNodes, 50_000)
	setDefault(&o.MaxComplexity, 50_000)
	setDefault(&o.MaxErrors, 20)
	setDefault(&o.Timeout, 30*time.Second)
	setDefault(&o.Memory, 256<<20)
	setDefault(&o.PersistedQueries, o.Memory/32)
	setDefault(&o.MaxFiles, 4)
	setDefault(&o.MaxUploads, 32)
	setDefault(&o.UploadSpace, 1<<30)
	setDefault(&o.UploadTimeout, 10*time.Minute)
	ws := &o.Websocket
	setDefault(&ws.InitTimeout, 5*time.Second)
	setDefault(&ws.PingInterval, 20*time.Second)
	setDefault(&ws.WriteTimeout, 10*time.Second)
	setDefault(&ws.CloseTimeout, 3*time.Second)
	setDefault(&ws.ReadLimit, 64<<10)
	setDefault(&ws.QueueFrames, 64)
	setDefault(&ws.QueueBytes, 1<<20)
	setDefault(&ws.MaxSubscriptions, 100)
	setDefault(&ws.MaxConnections, 10_000)
	setDefault(&ws.ShutdownSpread, 5*time.Second)
	if o.Authenticate == nil {
		o.Authenticate = func(ctx context.Context, _ string, _ *http.Request) (context.Context, error) { return ctx, nil }
	}

	if o.Owner == nil {
		o.Owner = func(context.Context) any { return nil }
		o.Websocket.MaxPerOwner = 0
		setHook(&o.IsStranger, func(context.Context) bool { return false })
	}

	setHook(&o.IsStranger, func(ctx context.Context) bool { return o.Owner(ctx) == nil })
	if o.Address == nil {
		o.Address = remoteAddress
	}
	if o.MayUpload == nil {
		o.MayUpload = func(context.Context, *graphql.OperationContext) error { return nil }
	}
	if o.PresentError == nil {
		o.PresentError = func(context.Context, error) *gqlerror.Error { return nil }
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
}

func remoteAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}

	return host
}

func setHook[T any](hook *func(context.Context) T, to func(context.Context) T) {
	if *hook == nil {
		*hook = to
	}
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = identify(w, r)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")

	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}

			err := h.recovered(r.Context(), v)
			h.refuse(w, r, &refusal{status: http.StatusInternalServerError, code: codeInternal, message: err.Error()})
		}
	}()

	if err := h.serve(w, r); err != nil {
		h.refuse(w, r, err)
	}
}

// serve answers the request, or returns why it does not.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) *refusal {
	if answered, err := h.crossOrigin(w, r); answered || err != nil {
		return err
	}
	if wantsSocket(r) {
		return h.serveSocket(w, r)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return notAllowed("GET, POST, OPTIONS", "this method is not supported")
	}
	if acceptedBy(r.Header).nothing() {
		return notAcceptable()
	}

	begun := time.Now()
	ctx, err := h.options.Authenticate(graphql.StartOperationTrace(r.Context()), r.Header.Get("Authorization"), r)
	if err != nil {
		return h.mayNot(r, err)
	}

	r = r.WithContext(context.WithValue(ctx, spentKey{}, time.Since(begun)))
	if isMultipart(r) {
		return h.affordRefusal(w, r, h.serveUpload(w, r))
	}

	return h.affordRefusal(w, r, h.serveOperation(w, r))
}
