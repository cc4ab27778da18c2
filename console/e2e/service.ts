import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Service = {
  url: string;
  link: string; // that signs its owner in, once
  email: string;
  password: string;
  apiKey: string;
  mailed: (path: string, to: string) => Promise<string>; // the newest link; without a mail server the log has it
  ask: <T>(query: string, variables?: object, token?: string) => Promise<T>;
  pause: () => Promise<void>; // the program ends, and what it keeps stays for start
  start: () => Promise<void>;
  stop: () => Promise<void>;
};

const freePort = () =>
  new Promise<number>((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });

export const until = async <T>(what: string, found: () => T | Promise<T>, seconds = 20): Promise<NonNullable<T>> => {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const value = await found();
    if (value) return value;
    await new Promise(done => setTimeout(done, 50));
  }
  throw new Error(`waited ${seconds} s for: ${what}`);
};

// startService runs the whole program with the sandbox, as `go run .` does.
export const startService = async (): Promise<Service> => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-data-'));
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const { PATH, HOME, TMPDIR = tmpdir() } = process.env; // and no setting of who runs the tests
  const environment = {
    PATH,
    HOME,
    TMPDIR,
    HTTP_ADDR: `127.0.0.1:${port}`,
    DATA_DIR: folder,
    TRUSTED_PROXIES: '127.0.0.1/32', // so that each browser has an address, and a limit, of its own
  };
  let child: ChildProcess;
  let out = '';
  let log = '';

  const line = (name: string) => out.match(new RegExp(`${name} +(\\S+)`))?.[1] ?? '';
  const start = async () => {
    out = '';
    child = spawn(process.env.CARILLON_BINARY ?? '', [], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout?.on('data', chunk => {
      out += chunk;
    });
    child.stderr?.on('data', chunk => {
      log += chunk;
    });
    await until('the program is up', () => line('API key'), 60).catch(error => {
      throw new Error(`${error.message}\n${log.slice(-4000)}`);
    });
  };
  const pause = async () => {
    if (child.exitCode !== null) return;
    const over = new Promise(done => child.once('exit', done));
    child.kill('SIGTERM');
    await over;
  };

  await start();
  const ask: Service['ask'] = async (query, variables = {}, token = line('API key')) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  return {
    url,
    get link() {
      return line('console');
    },
    email: line('e-mail'),
    password: line('password'),
    apiKey: line('API key'),
    mailed: (path, to) =>
      until(`a mail to ${to} with ${path}`, () =>
        log
          .split('\n')
          .filter(entry => entry.includes('unsent_mail') && entry.includes(to))
          .map(entry => entry.match(new RegExp(`${url}${path}#token=[A-Za-z0-9_]+`))?.[0])
          .findLast(link => link),
      ),
    ask,
    start,
    pause,
    stop: async () => {
      await pause();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
