import { instantOf, wallOf } from '../../shared/zone';

export type Period = { since: string; until: string };

const hour = 3_600_000;

// periodOf are the last days in a zone, today included, up to the end of this hour: the service
// keeps whole hours.
export const periodOf = (days: number, zone: string, now = Date.now()): Period => {
  const today = wallOf(new Date(now).toISOString(), zone).slice(0, 10);
  const first = new Date(Date.parse(`${today}T00:00:00Z`) - (days - 1) * 86_400_000).toISOString().slice(0, 10);
  return {
    since: instantOf(`${first}T00:00`, zone),
    until: new Date(Math.ceil((now + 1) / hour) * hour).toISOString(),
  };
};

// before is a period of the same length that ends where this one begins.
export const before = ({ since, until }: Period): Period => ({
  since: new Date(2 * Date.parse(since) - Date.parse(until)).toISOString(),
  until: since,
});

// change is how much more or less, as a share of what was before; undefined where nothing was.
export const change = (now: number, then: number): number | undefined => (then > 0 ? (now - then) / then : undefined);

// daysOf are all days of a period, so that one on which nothing happened is seen, too.
export const daysOf = ({ since, until }: Period, zone: string): string[] => {
  const days: string[] = [];
  const last = wallOf(new Date(Date.parse(until) - 1).toISOString(), zone).slice(0, 10);
  for (let day = wallOf(since, zone).slice(0, 10); day <= last; ) {
    days.push(day);
    day = new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  }
  return days;
};
