// Numbers and times as readers of a language write them.
export const number = (value: number, language: string) => new Intl.NumberFormat(language).format(value);

export const share = (value: number, language: string) =>
  new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: value > 0 && value < 0.1 ? 1 : 0 }).format(
    value,
  );

export const money = (amount: string, currency: string, language: string) =>
  new Intl.NumberFormat(language, { style: 'currency', currency, maximumFractionDigits: 2 }).format(Number(amount));

export const day = (time: string | Date, language: string, timeZone: string) =>
  new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone }).format(new Date(time));

export const moment = (time: string | Date, language: string, timeZone: string) =>
  new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(new Date(time));

export const exactly = (time: string | Date, language: string, timeZone: string) =>
  new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'long', timeZone }).format(new Date(time));

// ago says how long ago, or in how long, in the largest unit of which it is at least one.
export const ago = (time: string | Date, language: string, now = Date.now()) => {
  const seconds = (new Date(time).getTime() - now) / 1000;
  const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ];
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(Math.trunc(seconds), 'second');
};

// span is a length of time, in its two largest units.
export const span = (seconds: number, language: string) => {
  const unit = (value: number, name: string) =>
    new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'narrow' }).format(value);
  const whole = Math.max(0, Math.round(seconds));
  const [d, h, m, s] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
    whole % 60,
  ];
  const parts: [number, string][] = [
    [d, 'day'],
    [h, 'hour'],
    [m, 'minute'],
    [s, 'second'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return unit(0, 'second');
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, name]) => unit(value, name))
    .join(' ');
};

// midnight is when today began in a time zone.
export const midnight = (timeZone: string, now = new Date()): Date => {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(now);
  const part = (type: string) => Number(parts.find(p => p.type === type)?.value ?? 0);
  const past = ((part('hour') * 60 + part('minute')) * 60 + part('second')) * 1000 + now.getMilliseconds();
  return new Date(now.getTime() - past);
};
