package app

import (
	"net"

	"carillon/ratelimit"
)

// What only tests call.
var (
	BodyIn         = bodyIn
	StartRedis     = startRedis
	StartSandbox   = startSandbox
	SandboxAccount = sandboxAccount
)

const (
	SandboxWABA   = sandboxWABA
	SandboxNumber = sandboxNumber
	SandboxToken  = sandboxToken
	BesideStreams = besideStreams
	HeaderBytes   = headerBytes
)

type Rest = rest

func (r *rest) Look(allocated uint64) bool { return r.look(allocated) }

var (
	Routes  = (*App).routes
	Bounded = (*App).bounded
)

func (b *builtInSandbox) Folder() string         { return b.folder }
func (b *builtInSandbox) Listener() net.Listener { return b.listen }

func Limiter(p *App) *ratelimit.Limiter { return p.limiter }
