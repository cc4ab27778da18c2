# What is written by generators and committed; `make check` fails when it is stale.
generated = ent graph/generated graph/model graph/transport/transporttest
fuzztime ?= 10s
benchmarks ?= campaign send pace steer enroll import audience webhook lifecycle latency fanout

.PHONY: build release generate check measure vulnerabilities test race fuzz bench chaos siege demo graphiql console console-modules \
	console-test up

build:
	CGO_ENABLED=0 go build -trimpath -o bin/carillon .

# Static binaries of six platforms with checksums and lists of what is in them, in bin/release.
release:
	bash release/build

generate:
	go generate ./...

check: generate
	git diff --exit-code -- $(wildcard $(generated)) ':!ent/schema'
	@untracked=$$(git ls-files --others --exclude-standard -- $(wildcard $(generated))); \
		test -z "$$untracked" || { echo "generated and not committed:"; echo "$$untracked"; exit 1; }
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
		test -z "$$unformatted" || { echo "not formatted:"; echo "$$unformatted"; exit 1; }
	go run ./measure -check
	go vet ./...
	go tool staticcheck $$(go list ./... | grep -v '^carillon/ent\(/\|$$\)') ./ent/schema # not what ent writes
	go test -run TestPackagesImport .
	@$(MAKE) --no-print-directory vulnerabilities

# Exit status 3 is a known vulnerability in what we call; any other says that the database could not be asked.
vulnerabilities:
	@timeout 300 go tool govulncheck ./...; status=$$?; \
		test $$status -ne 3 || exit 3; \
		test $$status -eq 0 || printf '\n*** NOT CHECKED: govulncheck could not ask the database of known vulnerabilities. ***\n\n'

# How readable the code is, in numbers: lengths, widths, blank lines, complexity, tests.
measure:
	@go run ./measure

test:
	go test ./...

# SQLite is C turned into Go, and takes four times as long under the race detector, so it alone is built without. Nothing else
# may be: of generic code that several packages use, such as sync.Map's, the linker keeps one copy, and were it the one without,
# races would be seen where there are none.
race:
	GOFLAGS="$(GOFLAGS) -race -gcflags=modernc.org/sqlite/lib=-race=false -timeout=30m" go test ./...

# Every fuzz test of every package, for fuzztime each.
fuzz:
	@for file in $$(git ls-files '*_test.go' | xargs grep -l '^func Fuzz'); do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file); do \
			go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(fuzztime) ./$$(dirname $$file) || exit 1; \
		done; \
	done

# Lines of JSON; bench/README.md says what they mean. benchmarks="send pace" runs some of them.
bench:
	@go build -o bin/bench ./bench
	@for name in $(benchmarks); do bin/bench $$name || exit 1; done

# Processes and servers killed, Redis emptied, answers lost, 2,000 numbers on one worker, fifty clients at one campaign: what must
# hold all the same. Some fifteen minutes; go test ./... has a short form.
chaos:
	CARILLON_TEST_CHAOS=long go test -count 1 -timeout 20m -run Chaos -v ./app
	CARILLON_TEST_CHAOS=long go test -count 1 -timeout 20m -run TestManyNumbers -v ./worker

# Strangers attack for a minute, by everything that once filled the memory, while a customer's campaign runs. go test ./... has a
# short form.
siege:
	CARILLON_TEST_SIEGE=long go test -count 1 -timeout 10m -run Siege -v ./app

demo:
	go run . demo

# Needs Node 20 and npm. The result is committed, so that building Carillon needs neither.
graphiql:
	cd graph/graphiql/web && npm ci --no-audit --no-fund && npm run build

# Both need Node 20.19 and npm. What console makes is committed, so that building Carillon needs neither.
console: console-modules
	cd console && npm run --silent generate && npm run --silent messages && npm run --silent check && npm run --silent build

console-modules: console/node_modules/.package-lock.json

console/node_modules/.package-lock.json: console/package-lock.json
	cd console && npm ci --no-audit --no-fund --silent

# Types, style, texts without a translation, unit tests; then every page and journey in Chromium against the program itself.
console-test:
	@node -e '[a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null || { \
		printf '\n*** NOT TESTED: the console, which needs Node 20.19 or later. ***\n\n'; exit 0; }; \
	$(MAKE) --no-print-directory console-modules && cd console && npm run --silent generate && npm run --silent messages && \
		git diff --exit-code -- locales && npm run --silent check && npm test --silent && npm run --silent journeys

up:
	docker compose up --build
