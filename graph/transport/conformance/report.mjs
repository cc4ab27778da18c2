// One line for each rule, for conformance_test.go to read: "ok name" or "not ok name -- why".
import process from 'node:process';

export const url = process.env.CARILLON_TEST_URL;
export const socketURL = url.replace(/^http/, 'ws');
export const token = 'Bearer alice';

const rules = [];
export const rule = (name, check) => rules.push([name, check]);

export function assert(condition, why) {
  if (!condition) throw new Error(why ?? 'it does not hold');
}

export function same(is, wanted) {
  const [a, b] = [JSON.stringify(is), JSON.stringify(wanted)];
  assert(a === b, `${a}, not ${b}`);
}

export async function run() {
  let failed = 0;
  for (const [name, check] of rules) {
    try {
      let timer;
      const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error('no answer in 10 s')), 10_000); });
      await Promise.race([check(), late]).finally(() => clearTimeout(timer));
      console.log(`ok ${name}`);
    } catch (err) {
      failed++;
      console.log(`not ok ${name} -- ${String(err?.message ?? err).replaceAll('\n', ' ')}`);
    }
  }
  console.log(`1..${rules.length}`);
  process.exit(failed ? 1 : 0);
}
