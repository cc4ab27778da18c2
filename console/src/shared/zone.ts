// zones are those that the browser knows, with that of the organization.
export const zones = (own: string): string[] => [...new Set([own, 'UTC', ...Intl.supportedValuesOf('timeZone')])];

const partsIn = (at: Date, zone: string): Record<string, string> =>
  Object.fromEntries(
    new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    })
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  );

// wallOf is what the clock on the wall of a zone shows, as a field of a date and a time has it.
export const wallOf = (instant: string, zone: string): string => {
  const { year, month, day, hour, minute } = partsIn(new Date(instant), zone);
  return `${year}-${month}-${day}T${hour}:${minute}`;
};

// instantOf is when the clock on the wall of a zone shows a time: of two such moments the first; of
// a time that is skipped, the moment that comes as long after the skip.
export const instantOf = (wall: string, zone: string): string => {
  const meant = Date.parse(`${wall}:00Z`);
  const candidates = [-86_400_000, 86_400_000].map(apart => {
    const near = new Date(meant + apart);
    const offset = Date.parse(`${wallOf(near.toISOString(), zone)}:00Z`) - Math.floor(near.getTime() / 60_000) * 60_000;
    return meant - offset;
  });
  const exact = candidates.filter(at => wallOf(new Date(at).toISOString(), zone) === wall);
  return new Date(Math.min(...(exact.length ? exact : [Math.max(...candidates)]))).toISOString();
};
